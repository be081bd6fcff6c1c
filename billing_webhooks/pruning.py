"""Old events lose what they said, and keep by what they are known."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, timedelta
from uuid import UUID

from django.db import connections, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from billing_webhooks import lifecycle
from billing_webhooks.conf import settings
from billing_webhooks.database import DatabaseTime, write_alias
from billing_webhooks.emptying import empty
from billing_webhooks.lifecycle import Name, Step
from billing_webhooks.models import Job, RefusalCount, WebhookEvent

EVENTS_PER_BATCH = 1000
FIRST_BATCH = 100
FEWEST_PER_BATCH = 10
# A batch locks its rows, and all of SQLite, so this is how long a delivery may have to wait.
SECONDS_PER_BATCH = 0.03


def prune(
    *,
    older_than: timedelta | None = None,
    limit: int | None = None,
    tell: Callable[[int], None] = lambda pruned: None,
) -> int:
    """
    Empty the processed events that were received longer ago and return how many those were.

    `older_than` is BILLING_WEBHOOKS_RETENTION unless given. Body, confirmation, headers,
    changes, receiver runs and contradicting deliveries go, and so do counts of refusals and
    finished jobs that old. The row stays with its idempotency key, so an event that is sent
    again is still a repeated one; it cannot be replayed any more. Works in batches, each its
    own short commit, so it may be stopped at any time, or end after `limit` events, and go
    on later. What somebody else has locked is left for the next time. `tell` is called after
    each batch, with the number of events so far.

    Raise ValueError for a time in the future, which would empty them all.
    """
    age = settings.RETENTION if older_than is None else older_than
    if age < timedelta():
        raise ValueError("Events are pruned by an age, which cannot be negative.")
    db = write_alias()
    began, pruned = time.monotonic(), 0
    try:
        for number in _emptied(db, age, limit):
            pruned += number
            tell(pruned)
    finally:
        # One line for all, because of each the row says when.
        if pruned:
            seconds = time.monotonic() - began
            lifecycle.tell(Step(Name.PRUNED, count=pruned, seconds=seconds))
    first_day = (timezone.now() - age).astimezone(UTC).date()
    RefusalCount._base_manager.using(db).filter(day__lt=first_day).delete()
    Job._base_manager.using(db).filter(finished_at__lt=DatabaseTime() - age).delete()
    return pruned


def _emptied(db: str, age: timedelta, limit: int | None) -> Iterator[int]:
    """Empty batch after batch, each as large as its time allows; yield how many each was."""
    size, after, left = min(FIRST_BATCH, EVENTS_PER_BATCH), Q(), limit
    old = _prunable(db).filter(received_at__lt=DatabaseTime() - age).order_by("received_at", "pk")
    while left is None or left > 0:
        most = size if left is None else min(size, left)
        batch = list(old.filter(after).values_list("received_at", "pk")[:most])
        if not batch:
            return
        began = time.monotonic()
        emptied = _empty(db, [key for _at, key in batch])
        seconds = time.monotonic() - began
        yield emptied
        left = None if left is None else left - emptied
        at, key = batch[-1]
        # The first condition says nothing new, but it is one for the index. Without this, what
        # is locked, or emptied and not vacuumed yet, would be looked at with each batch.
        after = Q(received_at__gte=at) & (Q(received_at__gt=at) | Q(pk__gt=key))
        size = _next_size(size, seconds)
        # Half of the database's time is for others. Who waits for the lock of all of SQLite
        # looks for it now and then, and would seldom find it free between two batches.
        time.sleep(seconds)


def _prunable(db: str) -> QuerySet[WebhookEvent]:
    events = WebhookEvent._base_manager.using(db)
    return events.filter(state=WebhookEvent.State.PROCESSED, pruned_at=None)


def _empty(db: str, keys: Sequence[UUID]) -> int:
    """Empty those that are still to be and nobody has locked; return how many those were."""
    skip_locked = connections[db].features.has_select_for_update_skip_locked
    with transaction.atomic(using=db):
        # A replay may have taken one of them back meanwhile, or another prune emptied it.
        free = _prunable(db).filter(pk__in=keys).order_by("pk")
        locked = free.select_for_update(skip_locked=skip_locked).values_list("pk", flat=True)
        found = list(locked)
        empty(db, found)
    return len(found)


def _next_size(size: int, seconds: float) -> int:
    fitting = int(size * SECONDS_PER_BATCH / max(seconds, SECONDS_PER_BATCH / 2))
    return min(max(fitting, FEWEST_PER_BATCH), EVENTS_PER_BATCH)
