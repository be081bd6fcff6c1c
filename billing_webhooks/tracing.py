"""
Spans of OpenTelemetry, from the receipt of an event to each of its receivers.

Only the API is used: what becomes of spans is the project's business. Without the API, or
without anything that the project has set up behind it, nothing is done here.

    webhook.receive       a delivery is proven, stored and announced
    webhook.store         its INSERT
    webhook.apply         an event's facts become rows
    webhook.apply_batch   those of many events do, in one transaction
    webhook.process       an attempt at one event by itself
    webhook.receiver      one receiver of it
    webhook.replay        an event is made due again

Whose work it is, an event knows by the context that it was stored with, because days and
processes may lie between: so all attempts at it are in the trace of its receipt, and those
after a replay in that of the replay, which is linked to it. What else was going on where the
work was done, such as a task of Celery, is linked.

Attributes are ids, aliases, names and counts; errors are told by their class alone, because
a message may hold what the sender has said.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from functools import partial, wraps
from typing import TYPE_CHECKING, ParamSpec, Protocol, TypeAlias, TypeVar
from uuid import UUID

from billing_webhooks.models import WebhookEvent
from billing_webhooks.providers.base import Delivery, Provider
from billing_webhooks.spans import (
    NOTHING,
    set_error,
    span,
    tell_current,
    tell_failure,
    traceparent,
    tracer,
)

if TYPE_CHECKING:
    from opentelemetry.trace import Span

    from billing_webhooks.models import ReceiverRun

__all__ = [
    "applied",
    "applying",
    "attempt",
    "batch",
    "failed",
    "receipt",
    "received",
    "receiver",
    "replayed",
    "storing",
    "traceparent",
]

P = ParamSpec("P")
R = TypeVar("R")
Attributes: TypeAlias = dict[str, str | int]

# How an attempt at an event ends that was no success.
UNSUCCESSFUL = {WebhookEvent.State.PENDING, WebhookEvent.State.DEAD}
failed = tell_failure


class Waiting(Protocol):
    """An event that is to be worked, and the context that it was stored with."""

    @property
    def key(self) -> UUID: ...

    @property
    def traceparent(self) -> str: ...


def _traced(
    name: str, kind: str = "INTERNAL", about: Callable[..., Attributes] = lambda *_, **__: {}
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Return a decorator that makes a span of each call, about its arguments."""

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        if tracer is None:
            return function

        @wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            with span(name, kind, lambda made: made.set_attributes(about(*args, **kwargs))):
                return function(*args, **kwargs)

        return call

    return decorate


def received(event: WebhookEvent, stored: str) -> None:
    """Tell on the span of a receipt what became of it; a repeated event's row nobody knows."""

    def tell(span: Span) -> None:
        span.set_attribute("billing_webhooks.event.type", event.event_type)
        span.set_attribute("billing_webhooks.stored", stored)
        if stored != "repeated":
            span.set_attribute("messaging.message.id", str(event.pk))

    tell_current(tell)


def attempt(event: WebhookEvent) -> AbstractContextManager[None]:
    """Return the span of an attempt at an event; how it ended is read from the event."""

    def tell(span: Span) -> None:
        about = _message("process", event.provider, event.pk) | {
            "billing_webhooks.event.type": event.event_type,
            "billing_webhooks.attempt": event.attempts,
            "billing_webhooks.replays": event.replays,
            "billing_webhooks.outcome": str(event.outcome),
        }
        span.set_attributes(about)
        _conclude(span, event.state)

    return span("webhook.process", "CONSUMER", tell, event.traceparent)


def batch(alias: str, events: Sequence[Waiting]) -> AbstractContextManager[None]:
    """
    Return the span of a batch of one provider's events.

    One by itself goes on with its trace. Of many, as many as are kept are linked.
    """
    if tracer is None:
        return NOTHING
    if len(events) == 1:
        [event] = events
        tell = partial(_tell, _message("process", alias, event.key))
        return span("webhook.apply", "CONSUMER", tell, event.traceparent)
    about = _message("process", alias) | {"messaging.batch.message_count": len(events)}
    links = (event.traceparent for event in events if event.traceparent)
    return span("webhook.apply_batch", "CONSUMER", partial(_tell, about), links=links)


def applied(event: WebhookEvent) -> None:
    """Tell on the span of a batch of one what the event has come to."""

    def tell(span: Span) -> None:
        span.set_attribute("billing_webhooks.event.type", event.event_type)
        span.set_attribute("billing_webhooks.outcome", str(event.outcome))

    tell_current(tell)


def receiver(run: ReceiverRun) -> AbstractContextManager[None]:
    """Return the span of a receiver's run; how it ended is read from the run."""

    def tell(span: Span) -> None:
        about: Attributes = {
            "billing_webhooks.receiver": run.receiver,
            "billing_webhooks.signal": run.signal,
            "billing_webhooks.attempt": run.attempts,
        }
        span.set_attributes(about)
        _conclude(span, run.state)

    return span("webhook.receiver", "INTERNAL", tell)


def replayed(event: WebhookEvent) -> bool:
    """Make its replay the origin of an event's further work; return whether it is one."""
    if tracer is None:
        return False
    about = _message("send", event.provider, event.pk)
    links = [event.traceparent]
    with span("webhook.replay", "PRODUCER", partial(_tell, about), links=links):
        origin = traceparent()
    event.traceparent = origin or event.traceparent
    return bool(origin)


def _message(operation: str, alias: str, key: UUID | None = None) -> Attributes:
    """Return what OpenTelemetry's conventions for messaging have names for."""
    found: Attributes = {
        "messaging.system": "billing_webhooks",
        "messaging.operation.type": operation,
        "messaging.destination.name": alias,
    }
    return found if key is None else found | {"messaging.message.id": str(key)}


def _of_receipt(provider: Provider, delivery: Delivery) -> Attributes:
    return _message("send", provider.alias)


def _tell(about: Attributes, span: Span) -> None:
    span.set_attributes(about)


def _conclude(span: Span, state: str) -> None:
    span.set_attribute("billing_webhooks.state", str(state))
    if state in UNSUCCESSFUL:
        set_error(span, str(state))


# Its context is what an event is stored with.
receipt = _traced("webhook.receive", "PRODUCER", _of_receipt)
storing = _traced("webhook.store")
applying = _traced("webhook.apply")
