"""From a delivery to a committed event."""

from __future__ import annotations

import logging
import time

from billing_webhooks import dispatch, tracing
from billing_webhooks.database import DatabaseTime
from billing_webhooks.lifecycle import Name, Step, step_of, tell
from billing_webhooks.models import WebhookEvent
from billing_webhooks.models.inbox import idempotency_key
from billing_webhooks.providers.base import Delivery, Envelope, Provider
from billing_webhooks.providers.paths import printable
from billing_webhooks.storing import Stored, store

MAX_HEADER_LENGTH = 200
MAX_MAILBOX_LENGTH = 200
STEPS = {
    Stored.NEW: Name.ACCEPTED,
    Stored.REPEATED: Name.REPEATED,
    Stored.CONFLICTING: Name.CONTRADICTED,
}


@tracing.receipt
def accept(provider: Provider, delivery: Delivery) -> Step:
    """
    Return the step that a delivery has brought about, which is proven and committed.

    Raise a subclass of Refused for one that is not proven, and CannotStoreNow if every
    attempt to commit it failed. Whatever goes wrong after the commit is not the
    sender's business. What was kept is told here, before it is worked; a refusal is the
    caller's to tell, and so is to the log what is answered.
    """
    began = time.perf_counter()
    envelope = provider.verify(delivery)
    event = _event(provider, delivery, envelope)
    stored = store(event)
    level = _level(provider, envelope, stored)
    step = _step(event, stored, envelope, level, time.perf_counter() - began)
    tell(step)
    tracing.received(event, "quarantined" if envelope.problem else stored.value)
    if not envelope.problem:
        dispatch.wake(event.mailbox)
    return step


def _level(provider: Provider, envelope: Envelope, stored: Stored) -> int:
    if envelope.problem:
        # Some are sent what is not meant for us. Else something is new, and nobody has been told.
        return logging.WARNING if provider.rejects_unreadable else logging.ERROR
    if envelope.warning or stored is Stored.CONFLICTING:
        return logging.WARNING
    return logging.INFO


def _step(
    event: WebhookEvent, stored: Stored, envelope: Envelope, level: int, seconds: float
) -> Step:
    facts = {
        "reason": envelope.problem or envelope.warning,
        "seconds": seconds,
        "level": level,
        # Which one it repeats would be one more query.
        **({"event": None} if stored is Stored.REPEATED else {}),
    }
    return step_of(Name.QUARANTINED if envelope.problem else STEPS[stored], event, **facts)


def _event(provider: Provider, delivery: Delivery, envelope: Envelope) -> WebhookEvent:
    event = WebhookEvent(
        provider=provider.alias,
        received_at=delivery.received_at,
        next_attempt_at=DatabaseTime(),
        body=delivery.body,
        headers=_kept_headers(provider, delivery),
        trust=envelope.trust,
        traceparent=tracing.traceparent(),
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
