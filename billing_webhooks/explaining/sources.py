"""The registers of a row that access depends on, and the events that wrote them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from billing_webhooks.explaining.telling import EventTold, RegisterTold
from billing_webhooks.models import WebhookEvent
from billing_webhooks.models.billing import BillingRow
from billing_webhooks.models.lookups import of_sequences
from billing_webhooks.projection.registers import Stamp, draft_of

# What no rule reads, or what others say as well. What is new is shown until it is known not
# to matter.
NOT_ABOUT_ACCESS = frozenset(
    {
        "brand",
        "customer_key",
        "email",
        "external_id",
        "going_on",
        "named_plan",
        "organization_code",
        "plan_by_agreement",
        "settled",
        "trial_ended_at",
        "trial_started_at",
        "user_external_id",
    }
)

# (alias, sequence)
Source = tuple[str, str]


def events_of(rows: Iterable[BillingRow]) -> dict[Source, EventTold]:
    """Return the events that wrote the registers of these rows, in one query."""
    sources = {(row.provider, by) for row in rows for _, (_, by, _) in _about_access(row).items()}
    sequences = {by for _, by in sources}
    events = WebhookEvent.objects.filter(of_sequences(sequences))
    found = {
        (event.provider, event.sequence): EventTold(
            str(event.pk),
            event.event_type,
            event.external_id,
            event.occurred_at,
            event.received_at,
        )
        for event in events.only(
            "provider", "sequence", "event_type", "external_id", "occurred_at", "received_at"
        )
    }
    return {source: event for source, event in found.items() if source in sources}


def registers_of(row: BillingRow, events: Mapping[Source, EventTold]) -> tuple[RegisterTold, ...]:
    """Return the registers of a row that access depends on, in the order of their names."""
    return tuple(
        RegisterTold(
            name, value, Stamp(at, by).moment if at else None, events.get((row.provider, by))
        )
        for name, (at, by, value) in sorted(_about_access(row).items())
    )


def _about_access(row: BillingRow) -> dict[str, list[Any]]:
    standing = draft_of(row).standing()
    return {name: said for name, said in standing.items() if name not in NOT_ABOUT_ACCESS}
