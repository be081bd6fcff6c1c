"""Old events lose what they said, and keep by what they are known."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, timedelta

from django.db import transaction
from django.utils import timezone

from billing_webhooks.conf import settings
from billing_webhooks.database import DatabaseTime, write_alias
from billing_webhooks.emptying import empty
from billing_webhooks.models import Job, RefusalCount, WebhookEvent

EVENTS_PER_BATCH = 1000


def prune(
    *,
    older_than: timedelta | None = None,
    tell: Callable[[int], None] = lambda pruned: None,
) -> int:
    """
    Empty the processed events that were received longer ago and return how many those were.

    `older_than` is BILLING_WEBHOOKS_RETENTION unless given. Body, confirmation, headers,
    changes, receiver runs and contradicting deliveries go, and so do counts of refusals and
    finished jobs that old. The row stays with its idempotency key, so an event that is sent
    again is still a repeated one; it cannot be replayed any more. Works in batches, each its
    own commit, so it may be stopped at any time and go on later. `tell` is called after each,
    with the number of events so far.

    Raise ValueError for a time in the future, which would empty them all.
    """
    age = settings.RETENTION if older_than is None else older_than
    if age < timedelta():
        raise ValueError("Events are pruned by an age, which cannot be negative.")
    db = write_alias()
    prunable = WebhookEvent._base_manager.using(db).filter(
        state=WebhookEvent.State.PROCESSED, pruned_at=None
    )
    old = prunable.filter(received_at__lt=DatabaseTime() - age).order_by("received_at")
    pruned = 0
    while batch := list(old.values_list("pk", flat=True)[:EVENTS_PER_BATCH]):
        with transaction.atomic(using=db):
            # A replay may have taken one of them back meanwhile, or another prune emptied it.
            locked = prunable.filter(pk__in=batch).order_by("pk").select_for_update()
            keys = list(locked.values_list("pk", flat=True))
            empty(db, keys)
        pruned += len(keys)
        tell(pruned)
    first_day = (timezone.now() - age).astimezone(UTC).date()
    RefusalCount._base_manager.using(db).filter(day__lt=first_day).delete()
    Job._base_manager.using(db).filter(finished_at__lt=DatabaseTime() - age).delete()
    return pruned
