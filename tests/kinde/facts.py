"""The facts that Kinde's events are read as."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, TypeVar

from billing_webhooks.facts import Fact
from billing_webhooks.providers.kinde import reading
from tests.conftest import at

NOW = at("10:30")
DUE = at("12:00") + timedelta(days=30)

F = TypeVar("F", bound=Fact)


def fact(kind: type[F], facts: Sequence[Fact]) -> F:
    """Return the one fact of a kind."""
    (found,) = (each for each in facts if isinstance(each, kind))
    return found


def read(event_type: str, payload: Mapping[str, Any]) -> Sequence[Fact]:
    return reading.read(f"customer.{event_type}", payload, NOW)
