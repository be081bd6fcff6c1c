"""Lives of customers as providers tell them: sign-up, trial, upgrade, dunning, cancellation."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import Any

from hypothesis import strategies as st

from billing_webhooks.testing import kinde_event
from tests.conftest import at
from tests.histories import BILLABEAR_CUSTOMERS, ID

Claims = dict[str, Any]
Told = tuple[str, dict[str, Any]]

PLANS = ("free", "pro", "team")


class KindeLife:
    """What Kinde sends of one customer, in the order in which it happens."""

    def __init__(self, draw: Callable[[st.SearchStrategy[Any]], Any], number: int) -> None:
        self.draw = draw
        self.events: list[Claims] = []
        self.number = number
        self.agreements = 0
        self.plan = draw(st.sampled_from(PLANS))

    def live(self) -> list[Claims]:
        self.sign_up()
        for act in self.draw(st.lists(st.sampled_from(self.ACTS), max_size=5)):
            act(self)
        return self.events

    def sign_up(self) -> None:
        both = ["plan_assigned", "agreement_created"]
        self.agreements = 1
        for event_type in self.draw(st.permutations(both)):
            self.tell(event_type, **self.agreement())

    def change_plan(self) -> None:
        old, self.plan = self.agreement(), self.draw(st.sampled_from(PLANS))
        self.agreements += 1
        told = [
            ("agreement_cancelled", old),
            ("agreement_created", self.agreement()),
            ("plan_changed", self.plan_of(self.plan)),
        ]
        # One operation: its three events have one moment, or nearly so, in any order.
        for event_type, data in self.draw(st.permutations(told)):
            self.tell(event_type, minutes=self.draw(st.sampled_from([0, 0, 1])), **data)

    def pay(self) -> None:
        payment = self.draw(
            st.sampled_from([{}, {"payment_id": f"payment_{self.number}_1"}, {"invoice_id": "i"}])
        )
        self.tell("payment_succeeded", amount=self.draw(st.sampled_from([0, "12.5"])), **payment)

    def fail_to_pay(self) -> None:
        self.tell("payment_failed", payment_id=f"payment_{self.number}_1")

    def be_overdue(self) -> None:
        self.tell("invoice_overdue", invoice_id="i", invoice_due_on="2026-03-01T00:00:00+00")

    def use(self) -> None:
        quantity = self.draw(st.sampled_from([0, 1, "2.5", "many", None]))
        self.tell("meter_usage_updated", meter_id="requests", quantity=quantity)

    def cancel(self) -> None:
        self.tell("agreement_cancelled", **self.agreement())

    ACTS = (change_plan, pay, fail_to_pay, be_overdue, use, cancel)

    def tell(self, event_type: str, *, minutes: int = 1, **data: Any) -> None:
        """Send an event; which of its ids it has is not to be relied upon."""
        moment = at("10:00") + timedelta(minutes=minutes + len(self.events))
        named = self.draw(
            st.sampled_from([("customer_id",), ("org_code",), ("customer_id", "org_code")])
        )
        known = {
            "customer_id": f"customer_{self.number}",
            "org_code": f"org_{self.draw(st.sampled_from([self.number, 0]))}",
        }
        agreement = self.draw(st.sampled_from([self.agreement(), self.agreement(), {}]))
        claims = kinde_event(
            f"customer.{event_type}",
            {**agreement, **{name: known[name] for name in named}, **data},
            occurred_at=moment,
            event_id=f"event_{self.number:016x}{len(self.events):016x}",
        )
        self.events.append(claims)

    def agreement(self) -> dict[str, Any]:
        return {
            "agreement_id": f"agreement_{self.number}_{self.agreements}",
            **self.plan_of(self.plan),
        }

    def plan_of(self, plan: str) -> dict[str, Any]:
        return {"plan": {"code": plan, "name": plan.title()}}


@st.composite
def kinde_lives(draw: Callable[[st.SearchStrategy[Any]], Any]) -> list[Claims]:
    """Draw what Kinde sends of one or two customers, who may have had one organisation."""
    numbers = range(1, 1 + draw(st.integers(1, 2)))
    return [claims for number in numbers for claims in KindeLife(draw, number).live()]


def _start(who: Mapping[str, Any], plan: str) -> Iterator[Told]:
    yield "payment_received", {"id": ID(31), "customer": who, "amount": 3000}
    yield "subscription_created", _subscription(who, plan, "active")


def _try(who: Mapping[str, Any], plan: str) -> Iterator[Told]:
    yield "trial_started", _subscription(who, plan, "trial_active")
    yield "subscription_created", _subscription(who, plan, "trial_active")


def _convert(who: Mapping[str, Any], plan: str) -> Iterator[Told]:
    yield "trial_extended", _subscription(who, plan, "active")


def _upgrade(who: Mapping[str, Any], plan: str) -> Iterator[Told]:
    yield "payment_received", {"id": ID(32), "customer": who, "amount": 5000}
    yield "subscription_created", _subscription(who, plan, "active")
    yield "subscription_updated", _subscription(who, "Team", "active")


def _run_late(who: Mapping[str, Any], plan: str) -> Iterator[Told]:
    yield "subscription_updated", _subscription(who, plan, "overdue_payment_open")
    yield "subscription_updated", _subscription(who, plan, "overdue_payment_disabled")


def _cancel(who: Mapping[str, Any], plan: str) -> Iterator[Told]:
    yield "subscription_cancelled", _subscription(who, plan, "pending_cancel")


def _be_disabled(who: Mapping[str, Any], plan: str) -> Iterator[Told]:
    yield "customer_disabled", {"customer": who}
    yield "customer_updated", {"customer": who}


def _resend(who: Mapping[str, Any], plan: str) -> Iterator[Told]:
    yield "payment_received", {"id": ID(31), "customer": who, "amount": 3000}


def _describe(who: Mapping[str, Any], plan: str) -> Iterator[Told]:
    yield "plan_updated", {"plan": {"id": ID(21), "name": plan, "code": plan.lower()}}


def _subscription(who: Mapping[str, Any], plan: str, status: str) -> dict[str, Any]:
    return {
        "customer": who,
        "subscription": {"id": ID(11), "plan_name": plan, "status": status},
    }


@st.composite
def billabear_lives(draw: Callable[[st.SearchStrategy[Any]], Any]) -> list[Told]:
    """Draw what BillaBear sends of one customer, whom it creates twice."""
    acts = (_start, _try, _convert, _upgrade, _run_late, _cancel, _be_disabled, _resend, _describe)
    who = BILLABEAR_CUSTOMERS[0]
    told: list[Told] = [("customer_created", {"customer": who})] * 2
    for act in draw(st.lists(st.sampled_from(acts), min_size=1, max_size=5)):
        told += act(who, draw(st.sampled_from(["Free", "Pro"])))
    return told
