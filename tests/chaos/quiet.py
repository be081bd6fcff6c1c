"""The same stored events, worked off by one worker in a database where nothing goes wrong."""

from __future__ import annotations

from collections.abc import Iterator

from billing_webhooks.models import WebhookEvent
from billing_webhooks.sweeping import sweep
from tests.chaos.project.routing import database
from tests.snapshots import snapshot

# What an event is when it is stored. The rest is how it was worked off.
STORED = (
    "id",
    "provider",
    "event_type",
    "external_id",
    "idempotency_key",
    "sequence",
    "mailbox",
    "occurred_at",
    "received_at",
    "body",
    "headers",
    "trust",
)


def quiet_rows() -> dict[str, list[str]]:
    """Return the billing rows that come, without any trouble, of the events applied so far."""
    events = list(_fresh_events())
    with database("quiet"):
        WebhookEvent.objects.bulk_create(events, batch_size=500)
        sweep()
        undone = WebhookEvent.objects.exclude(state=WebhookEvent.State.PROCESSED).count()
        if undone:
            raise RuntimeError(f"The quiet run could not work off {undone} events.")
        return snapshot()


def _fresh_events() -> Iterator[WebhookEvent]:
    applied = WebhookEvent.objects.filter(applied_at__isnull=False)
    for columns in applied.order_by("received_at", "id").values(*STORED):
        yield WebhookEvent(**columns, next_attempt_at=columns["received_at"])
