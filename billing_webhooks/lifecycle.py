"""
The steps in the life of an event, told to whoever observes them.

Log lines and metrics are made of them. Observing changes nothing: an observer that fails is
itself told of in the log, and what it was told goes on.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from billing_webhooks.harmless import Harmless


class Name(StrEnum):
    """What a step is called, in the log, too."""

    ACCEPTED = "accepted"
    REPEATED = "repeated"
    CONTRADICTED = "contradicted"
    QUARANTINED = "quarantined"
    REJECTED = "rejected"
    APPLIED = "applied"
    PROCESSED = "processed"
    POSTPONED = "postponed"
    DIED = "died"
    REPLAYED = "replayed"
    RELEASED = "released"
    RETRIED = "retried"
    GIVEN_UP = "given_up"
    PRUNED = "pruned"
    ERASED = "erased"
    RECEIVER_SUCCEEDED = "receiver_succeeded"
    RECEIVER_FAILED = "receiver_failed"
    KEYS_FETCHED = "keys_fetched"
    KEYS_NOT_FETCHED = "keys_not_fetched"


@dataclass(frozen=True, slots=True)
class Step:
    """
    One step; what does not belong to it is None or empty.

    `reason` is a short code, or a sentence of ours: never text of the sender, as the type of
    an event may be. `seconds` is how long the step took, of an event that was worked in a batch
    its share of that. The other two are how old the event was by then, for those that were not
    replayed. `count` is of how many events, of a step of many. `error` is what the log is to show
    the traceback of.
    """

    name: Name
    provider: str = ""
    event: Any = None
    event_type: str = ""
    outcome: str = ""
    reason: str = ""
    receiver: str = ""
    attempts: int | None = None
    seconds: float | None = None
    since_occurred: float | None = None
    since_received: float | None = None
    count: int | None = None
    level: int = logging.INFO
    error: BaseException | None = None


# A fact of a step, and the field of an event that has it.
OF_EVENT = {
    "provider": "provider",
    "event": "pk",
    "event_type": "event_type",
    "outcome": "outcome",
    "attempts": "attempts",
}


class Event(Protocol):
    """What is told of a stored event."""

    pk: Any
    provider: str
    event_type: str
    outcome: str
    attempts: int
    replays: int
    occurred_at: datetime
    received_at: datetime


class Observer(Protocol):
    """Somebody who is told steps."""

    def hears(self, name: Name, level: int) -> bool:
        """Return whether it is of any use to tell steps of this name and level."""

    def told(self, step: Step) -> None:
        """Take note of a step; it is in the way of a request or a worker, so quickly."""


_observers: list[Observer] = []


def observe(observer: Observer) -> Callable[[], None]:
    """Let an observer be told every step from now on; return what ends that."""
    if observer not in _observers:
        _observers.append(observer)
    return lambda: _observers.remove(observer)


def is_heard(name: Name, level: int = logging.INFO) -> bool:
    """Return whether anybody listens, for callers with many steps to tell."""
    with Harmless("Listening to steps"):
        return any(observer.hears(name, level) for observer in _observers)
    return True


def tell(step: Step) -> None:
    """Tell a step to all who observe; never raises."""
    for observer in _observers:
        with Harmless("Telling a step"):
            if observer.hears(step.name, step.level):
                observer.told(step)


def tell_all(steps: Iterable[Step]) -> None:
    """Tell steps in their order; never raises."""
    for step in steps:
        tell(step)


def step_of(name: Name, event: Event, /, **facts: Any) -> Step:
    """Return a step of a stored event, which may not be applied yet."""
    # What is given is not read: of events that were loaded in part it may be a query.
    read = {fact: getattr(event, field) for fact, field in OF_EVENT.items() if fact not in facts}
    return Step(name, **read, **facts)


def ages(event: Event, now: datetime) -> dict[str, float]:
    """
    Return how old an event is, as facts for a step.

    Nothing of a replayed one: it is as old as whoever replayed it liked.
    """
    if event.replays:
        return {}
    return {
        "since_occurred": (now - event.occurred_at).total_seconds(),
        "since_received": (now - event.received_at).total_seconds(),
    }
