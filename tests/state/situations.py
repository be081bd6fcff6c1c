"""Events of each type, and what may have happened before them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.billabear.deliveries import CONTENT, CUSTOMER, PLAN, subscription

WHO = {"customer_id": "customer_1"}
FIRST = {"agreement_id": "agreement_1"}
SECOND = {"agreement_id": "agreement_2"}
PRO = {"plan": {"code": "pro", "name": "Pro"}}
MAX = {"plan": {"code": "max", "name": "Max"}}
PAYMENT = {"payment_id": "payment_1", "amount": 10}

NAMES = {"kinde": "Kinde", "billabear": "BillaBear"}


@dataclass(frozen=True)
class Posted:
    """A delivery: its type, what it says, and for Kinde when it occurred and under which id."""

    event_type: str
    content: Mapping[str, Any]
    claims: Mapping[str, Any] = field(default_factory=dict)


def kinde(name: str, content: Mapping[str, Any], time: str, event_id: str = "") -> Posted:
    claims = {"occurred_at": time, "event_id": event_id or f"event_{name}_{time}"}
    return Posted(f"customer.{name}", content, claims)


# Kinde: what an event of each type says. They occur at 12:00.
OF_KINDE: dict[str, dict[str, Any]] = {
    "plan_created": MAX,
    "plan_assigned": {**WHO, **FIRST, **MAX},
    "agreement_created": {**WHO, **FIRST, **MAX, "next_billing_date": "2026-04-01"},
    "plan_changed": {**WHO, **FIRST, **MAX},
    "agreement_cancelled": {**WHO, **FIRST},
    "payment_succeeded": {**WHO, **FIRST, **PAYMENT, "invoice_id": "invoice_1"},
    "payment_failed": {**WHO, **FIRST, **PAYMENT},
    "invoice_overdue": {**WHO, **FIRST, "invoice_id": "invoice_1"},
    "meter_usage_updated": {**WHO, **FIRST, "meter_id": "requests", "quantity": 7},
}

LIVE = kinde("agreement_created", {**WHO, **FIRST, **PRO}, "10:00")
OWED = kinde("payment_failed", OF_KINDE["payment_failed"], "11:00")
OVERDUE = kinde("invoice_overdue", OF_KINDE["invoice_overdue"], "11:00")
ENDED = kinde("agreement_cancelled", {**WHO, **FIRST}, "11:00")
PAID = kinde("payment_succeeded", {**WHO, **FIRST, "payment_id": "payment_2"}, "11:00")

# Story: what was posted before, and the event itself.
Story = tuple[Sequence[Posted], Posted]


def _after(*before: Posted, time: str = "12:00") -> Callable[[str], Story]:
    return lambda name: (before, kinde(name, OF_KINDE[name], time))


def _said_before(name: str) -> Story:
    return [kinde(name, OF_KINDE[name], "10:00")], kinde(name, OF_KINDE[name], "12:00")


def _repeated(name: str) -> Story:
    same = kinde(name, OF_KINDE[name], "12:00")
    return [same], same


def _another(name: str) -> Story:
    return [LIVE], kinde(name, OF_KINDE[name] | SECOND, "12:00")


def _without_agreement(name: str) -> Story:
    return [LIVE], kinde(name, OF_KINDE[name] | {"agreement_id": None}, "12:00")


def _without_agreement_owed(name: str) -> Story:
    unnamed = {"agreement_id": None}
    before = kinde("payment_failed", OF_KINDE["payment_failed"] | unnamed, "11:00")
    return [LIVE, before], kinde(name, OF_KINDE[name] | unnamed, "12:00")


def _organization(name: str) -> Story:
    both = kinde("agreement_created", {**LIVE.content, "org_code": "org_1"}, "10:00")
    named = OF_KINDE[name] | {"customer_id": None, "org_code": "org_1"}
    return [both], kinde(name, named, "12:00")


def _agreement_alone(name: str) -> Story:
    return [LIVE], kinde(name, OF_KINDE[name] | {"customer_id": None}, "12:00")


KINDE_STATES: dict[str, Callable[[str], Story]] = {
    "nothing known": _after(),
    "live": _after(LIVE),
    "payment failed": _after(LIVE, OWED),
    "invoice overdue": _after(LIVE, OVERDUE),
    "ended": _after(LIVE, ENDED),
    "newer known": _after(LIVE, PAID, time="09:00"),
    "said before": _said_before,
    "repeated": _repeated,
    "another live": _another,
    "no agreement id": _without_agreement,
    "no agreement id, payment failed": _without_agreement_owed,
    "organisation only": _organization,
    "agreement only": _agreement_alone,
}


# BillaBear: what an event of each type says. It dates none.
OF_BILLABEAR: dict[str, dict[str, Any]] = CONTENT | {
    "customer_updated": {"customer": CUSTOMER | {"email": "ada@example.org"}},
    "plan_updated": {"plan": PLAN | {"name": "Professional"}},
    "subscription_updated": {"subscription": subscription("active", "Max"), "customer": CUSTOMER},
}


def billabear(name: str, **content: Any) -> Posted:
    return Posted(name, {**OF_BILLABEAR[name], **content})


CREATED = billabear("subscription_created")


def _told(*before: Posted) -> Callable[[str], Story]:
    return lambda name: (before, billabear(name))


def _word(word: str) -> Posted:
    return billabear("subscription_updated", subscription=subscription(word))


BILLABEAR_STATES: dict[str, Callable[[str], Story]] = {
    "nothing known": _told(),
    "live": _told(CREATED),
    "past due": _told(CREATED, _word("overdue_payment_open")),
    "in trial": _told(billabear("trial_started")),
    "paused": _told(CREATED, billabear("subscription_paused")),
    "ended": _told(CREATED, _word("cancelled")),
    "upgraded": _told(CREATED, billabear("subscription_updated")),
    "disabled": _told(CREATED, billabear("customer_disabled")),
    "plan known": _told(billabear("plan_created")),
    "said before": lambda name: ([billabear(name)], billabear(name)),
    "nobody's": lambda name: ([CREATED], billabear(name, customer=None)),
}

STATES = {"kinde": KINDE_STATES, "billabear": BILLABEAR_STATES}
TYPES = {"kinde": [*OF_KINDE], "billabear": [*OF_BILLABEAR]}
