"""One worker at a time for the events of one customer, by a row lock of the database."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

from django.db import IntegrityError, connections, transaction
from django.db.models import F, QuerySet

from billing_webhooks.compiled import Recurring, values
from billing_webhooks.database import DatabaseTime, savepoint_if_in_transaction
from billing_webhooks.exceptions import BillingWebhooksError
from billing_webhooks.inserting import insert
from billing_webhooks.models import Mailbox

NEVER = datetime(1970, 1, 2, tzinfo=UTC)

_held: ContextVar[frozenset[str]] = ContextVar("billing_webhooks_mailboxes", default=frozenset())


class MailboxTaken(BillingWebhooksError):
    """Another worker has the mailbox; it drains it, so there is nothing to do here."""


def make(db: str, key: str) -> None:
    """Make the mailbox's row, in autocommit: locking a row that is being made deadlocks."""
    try:
        with savepoint_if_in_transaction(db):
            insert(db, Mailbox(key=key, tried_at=DatabaseTime()))
    except IntegrityError:
        if not Mailbox._base_manager.using(db).filter(key=key).exists():
            raise


def mark_tried(db: str, mailboxes: Mapping[str, bool]) -> set[str]:
    """
    Note that events of these mailboxes are about to be tried, and return the mailboxes.

    Those that somebody else has are left out. Of each is said whether its row exists.
    """
    new = sorted(key for key, exists in mailboxes.items() if not exists)
    if len(new) == 1:
        make(db, new[0])
    elif new:
        _make_all(db, new)
    old = [key for key, exists in mailboxes.items() if exists and key not in _held.get()]
    return {*new, *(_mark(db, old) if old else ())}


def clear_tried(db: str, keys: Collection[str]) -> None:
    """
    Take back, for the case that all goes well, that events of these mailboxes were tried.

    What is left of them another worker may then work together with others.
    """
    Mailbox._base_manager.using(db).filter(key__in=keys).update(tried_at=NEVER)


def _make_all(db: str, keys: Sequence[str]) -> None:
    try:
        with transaction.atomic(using=db):
            Mailbox._base_manager.using(db).bulk_create(
                Mailbox(key=key, tried_at=DatabaseTime()) for key in keys
            )
    except IntegrityError:
        # Some were made by somebody else.
        for key in keys:
            make(db, key)


def _mark(db: str, keys: Sequence[str]) -> Iterable[str]:
    connection = connections[db]
    if connection.vendor == "postgresql":
        # In one statement, which Django would not make: without a transaction it locks no row.
        table = connection.ops.quote_name(Mailbox._meta.db_table)
        with connection.cursor() as cursor:
            cursor.execute(
                f"UPDATE {table} SET tried_at = STATEMENT_TIMESTAMP() WHERE key IN "  # noqa: S608
                f"(SELECT key FROM {table} WHERE key = ANY(%s) FOR UPDATE SKIP LOCKED) "
                f"RETURNING key",
                [list(keys)],
            )
            return [key for (key,) in cursor.fetchall()]
    mailboxes = Mailbox._base_manager.using(db)
    if not connection.features.has_select_for_update_skip_locked:
        mailboxes.filter(key__in=keys).update(tried_at=DatabaseTime())
        return keys
    with transaction.atomic(using=db):
        free = mailboxes.filter(key__in=keys).select_for_update(skip_locked=True)
        found = list(free.values_list("key", flat=True))
        mailboxes.filter(key__in=found).update(tried_at=DatabaseTime())
    return found


@contextmanager
def turn(db: str, key: str, *, wait: bool) -> Iterator[None]:
    """
    Hold the mailbox for one short transaction.

    The lock is the database's, so it ends with the transaction or with the worker. A
    worker that looks for work does not wait: raise MailboxTaken at once if another has
    the mailbox. One that takes a step of an event waits, because between two of its
    steps anybody may have come to look.
    """
    if not wait and key in _held.get():
        # A receiver looks into the mailbox in whose turn it runs; the lock would let it.
        raise MailboxTaken(key)
    with transaction.atomic(using=db):
        if not (_take_step(db, key) if wait else _lock(db, key)):
            raise MailboxTaken(key)
        token = _held.set(_held.get() | {key})
        try:
            yield
        finally:
            _held.reset(token)


def steps_taken(db: str, key: str) -> int:
    """Return a number that changes with every step: a sign of life from the mailbox's worker."""
    return Mailbox._base_manager.using(db).values_list("steps", flat=True).get(key=key)


def _take_step(db: str, key: str) -> bool:
    # An UPDATE locks the row too, and tells others that somebody is at work.
    return Mailbox._base_manager.using(db).filter(key=key).update(steps=F("steps") + 1) == 1


def _lock(db: str, key: str) -> bool:
    if connections[db].features.has_select_for_update_skip_locked:
        return bool(values(db, Recurring(_free, (), {"key": key})))
    # SQLite has no row locks. A transaction that begins with a write waits for its turn;
    # one that begins with a read would fail on its first write instead.
    return Mailbox._base_manager.using(db).filter(key=key).update(steps=F("steps")) == 1


def _free(db: str, *, key: Any) -> QuerySet[Mailbox, Any]:
    mailbox = Mailbox._base_manager.using(db).filter(key=key)
    return mailbox.select_for_update(skip_locked=True).values_list("pk")
