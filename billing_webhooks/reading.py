"""What a stored event says, for the projection, and what it has come to."""

from __future__ import annotations

from collections.abc import Sequence

from billing_webhooks.facts import Fact
from billing_webhooks.models import WebhookEvent
from billing_webhooks.projection import Effect, Reading
from billing_webhooks.providers.base import Provider


def read(event: WebhookEvent, provider: Provider) -> Reading:
    """
    Return what an event says, nothing for a type without a reading; may raise NotUnderstood.

    What the provider's API has said of it counts instead, where it was asked.
    """
    facts: Sequence[Fact] = ()
    if event.event_type in provider.signals:
        payload = event.payload | (event.confirmed or {})
        facts = provider.read(event.event_type, payload, event.occurred_at)
    return Reading(event.occurred_at, event.sequence, facts)


def outcome_of(event: WebhookEvent, effect: Effect, *, is_known: bool) -> WebhookEvent.Outcome:
    """Return what an event has come to, also if it was applied before."""
    if event.outcome == WebhookEvent.Outcome.APPLIED:
        return WebhookEvent.Outcome.APPLIED
    return effect.outcome if is_known else WebhookEvent.Outcome.UNHANDLED
