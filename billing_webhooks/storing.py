"""A proven event is committed, or found to be there already."""

from __future__ import annotations

import random
import time
from enum import Enum
from typing import Any

from django.db import Error, IntegrityError, connections
from django.db.models import F, QuerySet

from billing_webhooks import tracing
from billing_webhooks.database import (
    close_if_broken,
    is_transient,
    savepoint_if_in_transaction,
    write_alias,
)
from billing_webhooks.exceptions import CannotStoreNow
from billing_webhooks.inserting import insert
from billing_webhooks.models import ConflictingDelivery, WebhookEvent

SHORTEST_PAUSE_SECONDS = 0.05
LONGEST_PAUSE_SECONDS = 0.5
# No sender waits longer, and a web server may end the worker that does.
TRY_FOR_SECONDS = 8.0
# Of one event; more tell nobody anything new.
MAX_CONFLICTS = 10


class Stored(Enum):
    """What became of a proven event."""

    NEW = "new"
    REPEATED = "repeated"
    CONFLICTING = "conflicting"


@tracing.storing
def store(event: WebhookEvent) -> Stored:
    """
    Commit an event; one that is known is counted on the first, and kept if it says other things.

    Raise CannotStoreNow if every attempt failed.
    """
    deadline = time.monotonic() + TRY_FOR_SECONDS
    longest_pause = SHORTEST_PAUSE_SECONDS
    while True:
        try:
            return _insert(event)
        except Error as error:
            if not is_transient(error):
                # The class alone: the message may quote the row.
                cause = type(error.__cause__ or error).__name__
                raise CannotStoreNow("not_stored", cause) from error
            # The commit may have happened although its answer was lost. The event keeps
            # its primary key, so the next try either stores it or finds it.
            close_if_broken(write_alias())
            pause = random.uniform(longest_pause / 2, longest_pause)  # noqa: S311
            if time.monotonic() + pause > deadline:
                raise CannotStoreNow("database_unavailable") from error
            time.sleep(pause)
            longest_pause = min(2 * longest_pause, LONGEST_PAUSE_SECONDS)


def _insert(event: WebhookEvent) -> Stored:
    alias = write_alias()
    # A broken connection fails the INSERT, and the next try opens another: to ask before
    # whether it is well, as CONN_HEALTH_CHECKS does, is a round trip for each event.
    connection: Any = connections[alias]
    connection.health_check_done = True
    try:
        with savepoint_if_in_transaction(alias):
            insert(alias, event)
    except IntegrityError:
        # Many things break a constraint. It was a duplicate only if the event is there,
        # and it was this very event if an earlier try was committed after all.
        found = _count_on_original(alias, event)
        if found is not None:
            return found
        if not WebhookEvent._base_manager.using(alias).filter(pk=event.pk).exists():
            raise
    return Stored.NEW


def _count_on_original(alias: str, event: WebhookEvent) -> Stored | None:
    """Return what the event is beside one of the same identity, None if there is no such one."""
    if event.idempotency_key is None:
        return None
    events = WebhookEvent._base_manager.using(alias)
    original = events.filter(idempotency_key=event.idempotency_key).exclude(pk=event.pk)
    if _same_content(original, event.content_digest).update(deliveries=F("deliveries") + 1):
        return Stored.REPEATED
    first = original.only("pk").first()
    if first is None:
        return None
    # Kept before it is counted: what was not answered is sent again.
    _keep_conflict(alias, first, event)
    original.update(deliveries=F("deliveries") + 1)
    # What is told of it is where it can be found.
    event.pk = first.pk
    return Stored.CONFLICTING


def _same_content(events: QuerySet[WebhookEvent], digest: str) -> QuerySet[WebhookEvent]:
    # Without a digest on either side there is nothing to compare: it was erased, or is not told.
    return events.filter(content_digest__in=["", digest]) if digest else events


def _keep_conflict(alias: str, first: WebhookEvent, event: WebhookEvent) -> None:
    conflicts = ConflictingDelivery._base_manager.using(alias)
    if conflicts.filter(event=first)[:MAX_CONFLICTS].count() == MAX_CONFLICTS:
        return
    try:
        with savepoint_if_in_transaction(alias):
            conflicts.create(
                event=first,
                received_at=event.received_at,
                body=event.body,
                content_digest=event.content_digest,
            )
    except IntegrityError:
        # It came before, or the event it contradicts is gone: the sender is told by another try.
        if not conflicts.filter(event=first, content_digest=event.content_digest).exists():
            raise
