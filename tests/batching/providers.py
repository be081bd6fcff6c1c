"""Providers of which some events are bad in some way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from billing_webhooks.exceptions import NotUnderstood
from billing_webhooks.facts import Fact
from billing_webhooks.providers.kinde import KindeProvider
from tests.crashes.processes import die


class Bad(KindeProvider):
    """Whose events of customers called "bad" it cannot read."""

    def read(
        self, event_type: str, payload: Mapping[str, Any], occurred_at: datetime
    ) -> Sequence[Fact]:
        if payload["data"]["customer_id"].startswith("bad"):
            self.meet(payload)
        return self.facts(payload, super().read(event_type, payload, occurred_at))

    def meet(self, payload: Mapping[str, Any]) -> None:
        raise NotUnderstood("What does it say?")

    def facts(self, payload: Mapping[str, Any], facts: Sequence[Fact]) -> Sequence[Fact]:
        return facts


class Deadly(Bad):
    """Is killed by what it reads."""

    def meet(self, payload: Mapping[str, Any]) -> None:
        die()


class Unheard(Bad):
    """Says of bad customers what nothing is known to do with."""

    def meet(self, payload: Mapping[str, Any]) -> None:
        """It is read; what comes of it fails."""

    def facts(self, payload: Mapping[str, Any], facts: Sequence[Fact]) -> Sequence[Any]:
        return [*facts, "news"] if payload["data"]["customer_id"].startswith("bad") else facts
