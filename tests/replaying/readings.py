"""Providers that read the same events otherwise, as a later release may."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from billing_webhooks.exceptions import NotUnderstood
from billing_webhooks.facts import CustomerFact, Fact
from billing_webhooks.providers.base import Envelope
from billing_webhooks.providers.billabear import BillaBearProvider
from billing_webhooks.providers.kinde import KindeProvider


class LowerCase(KindeProvider):
    """Knows that e-mail addresses are to be compared without regard to case."""

    def read(
        self, event_type: str, payload: Mapping[str, Any], occurred_at: datetime
    ) -> Sequence[Fact]:
        return [_in_lower_case(fact) for fact in super().read(event_type, payload, occurred_at)]


class Puzzled(KindeProvider):
    """Understands nothing."""

    def read(self, *args: Any) -> Sequence[Fact]:
        raise NotUnderstood("What does it say?")


class Broken(KindeProvider):
    """Has a fault of its own."""

    def read(self, *args: Any) -> Sequence[Fact]:
        raise KeyError("plan")


class Unready(BillaBearProvider):
    """Cannot read anything as an event yet."""

    def envelope(self, body: bytes, received_at: datetime) -> Envelope:
        known = super().envelope(body, received_at)
        return replace(known, event_type="", identity=None, problem="Not yet.")


class Faulty(BillaBearProvider):
    """Fails on every envelope that it is asked for."""

    def envelope(self, body: bytes, received_at: datetime) -> Envelope:
        raise ZeroDivisionError


def _in_lower_case(fact: Fact) -> Fact:
    if isinstance(fact, CustomerFact) and fact.email is not None:
        return replace(fact, email=fact.email.lower())
    return fact
