"""What an event loses when it is to say nothing any more; its key, type, times and state stay."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.utils import timezone

from billing_webhooks.models import ConflictingDelivery, ReceiverRun, WebhookEvent


def empty(db: str, keys: Sequence[UUID]) -> None:
    """Empty these events, in the caller's transaction; none can be replayed any more."""
    for model in (ReceiverRun, ConflictingDelivery):
        model._base_manager.using(db).filter(event__in=keys).delete()
    WebhookEvent._base_manager.using(db).filter(pk__in=keys).update(
        body=b"",
        confirmation=b"",
        headers={},
        changes=[],
        last_error="",
        pruned_at=timezone.now(),
    )
