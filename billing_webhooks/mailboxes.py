"""One worker at a time for the events of one customer, by a row lock of the database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import IntegrityError, connections, transaction
from django.db.models import F

from billing_webhooks.database import savepoint_if_in_transaction
from billing_webhooks.exceptions import BillingWebhooksError
from billing_webhooks.models import Mailbox


class MailboxTaken(BillingWebhooksError):
    """Another worker has the mailbox; it drains it, so there is nothing to do here."""


def ensure(db: str, key: str) -> None:
    """Make the mailbox's row, in autocommit: locking a row that is being made deadlocks."""
    mailboxes = Mailbox._base_manager.using(db)
    if not mailboxes.filter(key=key).exists():
        try:
            with savepoint_if_in_transaction(db):
                Mailbox(key=key).save(using=db, force_insert=True)
        except IntegrityError:
            if not mailboxes.filter(key=key).exists():
                raise


@contextmanager
def turn(db: str, key: str, *, wait: bool) -> Iterator[None]:
    """
    Hold the mailbox for one short transaction.

    The lock is the database's, so it ends with the transaction or with the worker. A
    worker that looks for work does not wait: raise MailboxTaken at once if another has
    the mailbox. One that is in the middle of an event waits, because between two of its
    steps anybody may have come to look.
    """
    with transaction.atomic(using=db):
        if not _lock(db, key, wait=wait):
            raise MailboxTaken(key)
        yield


def _lock(db: str, key: str, *, wait: bool) -> bool:
    mailbox = Mailbox._base_manager.using(db).filter(key=key)
    if connections[db].features.has_select_for_update_skip_locked:
        locked = mailbox.select_for_update(skip_locked=not wait).values_list("pk", flat=True)
        return locked.first() is not None
    # SQLite has no row locks. A transaction that begins with a write waits for its turn;
    # one that begins with a read would fail on its first write instead.
    return mailbox.update(turn=F("turn") + 1) == 1
