"""What the providers send: events of a few customers, so that many meet at one."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from billing_webhooks.testing import KindeIssuer, billabear_body, kinde_event

# Of each provider, how many events are about the first customer.
HOT_SHARE = 0.3
# Of ten events, how many are Kinde's.
KINDE_SHARE = 0.7
SPAN = timedelta(hours=3)

TYPES = (
    "customer.plan_created",
    "customer.plan_assigned",
    "customer.plan_changed",
    "customer.agreement_created",
    "customer.agreement_cancelled",
    "customer.payment_succeeded",
    "customer.payment_succeeded",
    "customer.payment_failed",
    "customer.invoice_overdue",
    "customer.meter_usage_updated",
    "customer.type_of_next_year",
)
PLANS: tuple[dict[str, Any], ...] = (
    {},
    {"plan": {"code": "free", "name": "Free"}},
    {"plan": {"code": "pro", "name": "Pro"}},
    {"plan": {"code": "pro", "id": "plan_pro", "name": "Professional"}},
    {"plan_code": "max"},
    {"plan_id": "plan_pro"},
)
STATUSES = ("active", "trial_active", "pending_cancel", "cancelled", "paused")
UUID = "0b1e5c1e-0000-4000-8000-{:012d}".format


@dataclass(frozen=True)
class Event:
    """One event; `key` is what it is known by: Kinde's id of it, or BillaBear's bytes."""

    provider: str
    key: str
    body: bytes
    is_payment: bool


def history(
    rng: random.Random,
    number: int,
    customers: int,
    issuer: KindeIssuer,
    now: datetime,
    *,
    hot_share: float = HOT_SHARE,
) -> list[Event]:
    """
    Return so many events of so many customers of each provider, in the order of sending.

    The times that Kinde signs are in any order. `hot_share` of them are about one customer.
    """

    def customer() -> int:
        return 0 if rng.random() < hot_share else rng.randrange(customers)

    return [
        _kinde(rng, index, customer(), issuer, now)
        if rng.random() < KINDE_SHARE
        else _billabear(rng, index, customer())
        for index in range(number)
    ]


def _kinde(
    rng: random.Random, index: int, customer: int, issuer: KindeIssuer, now: datetime
) -> Event:
    event_type = rng.choice(TYPES)
    event_id = f"event_{rng.getrandbits(64):016x}{index:016x}"
    # Whole minutes, so that some happened at the same time.
    occurred_at = now - timedelta(minutes=rng.randrange(SPAN // timedelta(minutes=1)))
    data = {
        **_names(rng, customer),
        **rng.choice(PLANS),
        "user": {"email": f"user{index}@example.org"},
    }
    is_payment = event_type == "customer.payment_succeeded"
    if is_payment or event_type == "customer.payment_failed":
        data |= {"payment_id": f"payment_{index}", "amount": index, "currency": "EUR"}
    if rng.random() < 0.3:
        data |= {"invoice_id": f"invoice_{index % 20}", "invoice_due_on": "2026-04-01T00:00:00Z"}
    if event_type == "customer.meter_usage_updated":
        data |= {"meter_id": "requests", "quantity": index}
    claims = kinde_event(event_type, data, occurred_at=occurred_at, event_id=event_id)
    return Event("kinde", event_id, issuer.sign(claims), is_payment)


def _names(rng: random.Random, number: int) -> dict[str, Any]:
    """Return how an event names a customer: it has several names, that arrive in any order."""
    by_id, by_organization = {"customer_id": f"customer_{number}"}, {"org_code": f"org_{number}"}
    who = rng.choice([by_id, by_organization, by_id | by_organization])
    agreement = {"agreement_id": f"agreement_{number}_{rng.randrange(3)}"}
    return who | agreement if rng.random() < 0.7 else who


def _billabear(rng: random.Random, index: int, number: int) -> Event:
    customer = {
        "id": UUID(number),
        "email": f"customer{index}@example.org",
        "brand": rng.choice(["default", "other"]),
        "is_disabled": rng.random() < 0.2,
    }
    event_type, content = rng.choice(
        [
            (rng.choice(["customer_created", "customer_updated"]), {}),
            ("payment_received", {"id": UUID(1000 + index), "amount": index}),
            ("subscription_created", _subscription(rng, number)),
            ("subscription_updated", _subscription(rng, number)),
            ("subscription_cancelled", _subscription(rng, number)),
            ("trial_started", _subscription(rng, number)),
        ]
    )
    body = billabear_body(event_type, customer=customer, **content)
    return Event("billabear", body.decode(), body, event_type == "payment_received")


def _subscription(rng: random.Random, number: int) -> dict[str, Any]:
    return {
        "subscription": {
            "id": UUID(100 + 2 * number + rng.randrange(2)),
            "plan_name": rng.choice(["Free", "Pro"]),
            "status": rng.choice(STATUSES),
        }
    }
