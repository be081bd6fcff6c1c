"""Old events lose what they said, and keep by what they are known."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from billing_webhooks.conf import settings
from billing_webhooks.database import DatabaseTime, write_alias
from billing_webhooks.models import ReceiverRun, WebhookEvent

EVENTS_PER_BATCH = 1000


def prune(*, older_than: timedelta | None = None) -> int:
    """
    Empty the processed events that are older and return how many those were.

    `older_than` is BILLING_WEBHOOKS_RETENTION unless given. Body, headers, changes and
    receiver runs go. The row stays with its idempotency key, so an event that is sent
    again is still a repeated one; it cannot be replayed any more. Works in batches, each
    its own commit, so it may be stopped at any time and go on later.
    """
    db = write_alias()
    before = DatabaseTime() - (settings.RETENTION if older_than is None else older_than)
    events = WebhookEvent._base_manager.using(db)
    old = events.filter(
        state=WebhookEvent.State.PROCESSED, pruned_at=None, received_at__lt=before
    ).order_by("received_at", "pk")
    pruned = 0
    while batch := list(old.values_list("pk", flat=True)[:EVENTS_PER_BATCH]):
        with transaction.atomic(using=db):
            # A replay may have taken one of them back meanwhile.
            still_old = events.filter(pk__in=batch, state=WebhookEvent.State.PROCESSED)
            keys = list(still_old.select_for_update().values_list("pk", flat=True))
            ReceiverRun._base_manager.using(db).filter(event__in=keys).delete()
            pruned += events.filter(pk__in=keys).update(
                body=b"", headers={}, changes=[], last_error="", pruned_at=timezone.now()
            )
    return pruned
