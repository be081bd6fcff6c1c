"""From a delivery to a committed event."""

from __future__ import annotations

import logging

from billing_webhooks import dispatch
from billing_webhooks.database import DatabaseTime
from billing_webhooks.models import WebhookEvent
from billing_webhooks.models.inbox import idempotency_key
from billing_webhooks.providers.base import Delivery, Envelope, Provider
from billing_webhooks.providers.paths import printable
from billing_webhooks.storing import Stored, store

logger = logging.getLogger(__name__)

MAX_HEADER_LENGTH = 200
MAX_MAILBOX_LENGTH = 200
TOLD = {
    Stored.NEW: "Stored a new event of %s (%s)%s.",
    # Which one it repeats would be one more query.
    Stored.REPEATED: "Counted a repeated event of %s%.0s%s.",
    Stored.CONFLICTING: "Kept what contradicts an earlier event of %s (%s)%s.",
}


def accept(provider: Provider, delivery: Delivery) -> Envelope:
    """
    Return the envelope of a delivery that is proven and committed.

    Raise a subclass of Refused for one that is not proven, and CannotStoreNow if every
    attempt to commit it failed. Whatever goes wrong after the commit is not the
    sender's business. A readable event is logged here, before it is worked; all else is
    the caller's to log.
    """
    envelope = provider.verify(delivery)
    event = _event(provider, delivery, envelope)
    stored = store(event)
    if not envelope.problem:
        _log(event, stored, envelope.warning)
        dispatch.wake(event.mailbox)
    return envelope


def _log(event: WebhookEvent, stored: Stored, warning: str) -> None:
    level = logging.WARNING if warning or stored is Stored.CONFLICTING else logging.INFO
    odd = f": {warning}" if warning else ""
    logger.log(level, TOLD[stored], event.provider, event.pk, odd)


def _event(provider: Provider, delivery: Delivery, envelope: Envelope) -> WebhookEvent:
    event = WebhookEvent(
        provider=provider.alias,
        received_at=delivery.received_at,
        next_attempt_at=DatabaseTime(),
        body=delivery.body,
        headers=_kept_headers(provider, delivery),
        trust=envelope.trust,
    )
    address(event, envelope)
    if envelope.problem:
        event.state = WebhookEvent.State.QUARANTINED
        event.last_error = envelope.problem
        event.next_attempt_at = None
    return event


def address(event: WebhookEvent, envelope: Envelope) -> None:
    """Write on an event what its envelope says: what it is, whose, when, and known by what."""
    event.event_type = envelope.event_type
    event.external_id = envelope.external_id
    event.mailbox = _mailbox(event.provider, envelope.subject)
    event.occurred_at = envelope.occurred_at or event.received_at
    event.content_digest = envelope.content_digest
    event.sequence = envelope.external_id or event.pk.hex
    if envelope.identity is not None:
        event.idempotency_key = idempotency_key(event.provider, envelope.identity)


def _mailbox(alias: str, subject: str) -> str:
    mailbox = f"{alias}:{subject}"
    # Cutting may put two long names into one mailbox: they then wait for each other,
    # which does no harm.
    return printable(mailbox, MAX_MAILBOX_LENGTH)


def _kept_headers(provider: Provider, delivery: Delivery) -> dict[str, str]:
    return {
        name: printable(delivery.headers[name], MAX_HEADER_LENGTH)
        for name in provider.kept_headers
        if name in delivery.headers
    }
