"""What BillaBear sends in this month: unsigned, undated, proven by a secret in the URL."""

import base64
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import cycle
from typing import Any

from billing_webhooks.testing import billabear_body
from example_project.demonstration.calendar import Calendar
from example_project.demonstration.deliveries import Delivery, History

PATH = "/webhooks/billabear"


def _customer(number: int, email: str) -> dict[str, Any]:
    return {
        "id": f"5b0f6a1e-3c2d-4e8f-9a7b-00000000000{number}",
        "email": email,
        "brand": "default",
        "is_disabled": False,
    }


def _plan(number: int, name: str, *, trial_days: int | None) -> dict[str, Any]:
    return {
        "id": f"7c1d8e2f-4a5b-4c6d-8e9f-00000000000{number}",
        "name": name,
        "code": name.lower(),
        "has_trial": trial_days is not None,
        "trial_length_in_days": trial_days,
        "standalone_trial": False,
    }


def _subscription(number: int, plan_name: str, status: str) -> dict[str, Any]:
    return {
        "id": f"9e3f0a4b-6c7d-4e8f-a0b1-00000000000{number}",
        "plan_name": plan_name,
        "status": status,
    }


def _payment(number: int, amount: int, customer: Mapping[str, Any] | None) -> dict[str, Any]:
    return {
        "id": f"c5d6e7f8-9a0b-4c1d-8e2f-00000000000{number}",
        "customer": customer,
        "amount": amount,
    }


ADA = _customer(1, "ada@analytical.example")
GRACE = _customer(2, "grace@compiler.example")
ALAN = _customer(3, "alan@enigma.example")

ADA_PAYS_FOR_TEAM = _payment(1, 3000, ADA)

# Days ago, type, content, story; in the order of arrival, which is all the order there is.
EVENTS: list[tuple[float, str, Mapping[str, Any], str]] = [
    (30, "plan_created", {"plan": _plan(1, "Team", trial_days=14)}, "A plan is put on sale"),
    (29.99, "plan_created", {"plan": _plan(2, "Studio", trial_days=None)}, "And another"),
    (28, "customer_created", {"customer": ADA}, "Ada registers"),
    (27.999, "customer_created", {"customer": ADA}, "BillaBear says so twice, byte for byte"),
    (
        27.99,
        "trial_started",
        {"subscription": _subscription(1, "Team", "trial_active"), "customer": ADA},
        "Ada tries Team",
    ),
    (
        27.98,
        "subscription_created",
        {"subscription": _subscription(1, "Team", "trial_active"), "customer": ADA},
        "The same trial, as a subscription",
    ),
    (
        22,
        "trial_extended",
        {"subscription": _subscription(1, "Team", "active"), "customer": ADA},
        "Despite its name: Ada stays and pays",
    ),
    (21.99, "payment_received", ADA_PAYS_FOR_TEAM, "The first payment"),
    (21, "customer_created", {"customer": GRACE}, "Grace registers"),
    (20.99, "payment_received", _payment(2, 9900, GRACE), "Grace pays for Studio"),
    (
        20.98,
        "subscription_created",
        {"subscription": _subscription(2, "Studio", "active"), "customer": GRACE},
        "And is on it",
    ),
    (
        18,
        "subscription_updated",
        {"subscription": _subscription(2, "Studio", "active"), "customer": GRACE},
        "One more seat",
    ),
    (
        16,
        "subscription_updated",
        {"subscription": _subscription(2, "Studio", "active"), "customer": GRACE},
        "And one more: equal bytes, and both are real",
    ),
    (12, "payment_received", _payment(3, 6900, ADA), "Ada upgrades to Studio"),
    (
        11.99,
        "subscription_created",
        {"subscription": _subscription(1, "Team", "active"), "customer": ADA},
        "Sent again, with the old plan's name",
    ),
    (
        11.98,
        "subscription_updated",
        {"subscription": _subscription(1, "Studio", "active"), "customer": ADA},
        "The new plan",
    ),
    (11, "customer_created", {"customer": ALAN}, "Alan registers"),
    (
        10.99,
        "subscription_created",
        {"subscription": _subscription(3, "Team", "active"), "customer": ALAN},
        "He is on Team",
    ),
    (
        4,
        "subscription_updated",
        {"subscription": _subscription(3, "Team", "overdue_payment_open"), "customer": ALAN},
        "His next payment does not come",
    ),
    (
        3.5,
        "subscription_cancelled",
        {"subscription": _subscription(2, "Studio", "pending_cancel"), "customer": GRACE},
        "Grace asks to cancel at the end of her period",
    ),
    (3, "payment_received", _payment(4, 500, None), "A payment of nobody in particular"),
    (
        2.6,
        "integration_newsletter_failure",
        {"exception": {"message": "The list is gone.", "code": 404}},
        "The newsletter cannot be reached",
    ),
    (
        2,
        "tax_country_threshold_reached",
        {
            "country": {"name": "United States", "code": "US", "threshold": "0.00"},
            "state": {"name": "Texas", "threshold": "500000.00"},
        },
        "A state's threshold under the country's type",
    ),
    (1.5, "usage_warning_triggered", {}, "A warning that names nobody"),
    (0.9, "quote_accepted", {"quote": {"number": "Q-7"}}, "A type that nobody knows yet"),
]

# E-mail → plan and status, once everything has arrived.
CUSTOMERS = {
    "ada@analytical.example": ("Studio", "active"),
    "grace@compiler.example": ("Studio", "cancelling"),
    "alan@enigma.example": ("Team", "past_due"),
}
ROWS = {"payments": 4, "invoices": 0, "usage": 0}
SIGNALS = {
    "billabear.subscription_cancelled": 1,
    "billabear.usage_warning_triggered": 1,
    "customer_created": 3,
    "event_processed": 1,
    "integration_failed": 1,
    "payment_succeeded": 4,
    "plan_changed": 1,
    "subscription_started": 3,
    "tax_threshold_reached": 1,
    "trial_started": 1,
}


def history(secret: str, calendar: Calendar) -> History:
    """Return a month of events, the secret in each of the three possible places in turn."""
    ways = cycle([in_userinfo, _in_path, _in_query])
    genuine = [
        next(ways)(secret, delivery(calendar.moment(days_ago), event_type, content, story))
        for days_ago, event_type, content, story in EVENTS
    ]
    payment = next(each for each in genuine if each.event_type == "payment_received")
    later = payment.at + timedelta(hours=2)
    story = "Ada's first payment again is one payment"
    repeated = replace(payment, at=later, story=story, is_new=False)
    unproven = replace(
        payment,
        at=calendar.moment(5),
        story="A wrong secret: refused",
        status=401,
        is_new=False,
    )
    misdirected = Delivery(
        PATH,
        b"[]",
        "(no event)",
        "Another kind of post: kept in quarantine",
        calendar.moment(6),
        status=400,
        ends="quarantined",
    )
    return History(
        provider="billabear",
        name="BillaBear",
        detail_title="secret in",
        deliveries=[
            *genuine,
            repeated,
            _in_query("not-the-secret", unproven),
            in_userinfo(secret, misdirected),
        ],
        customers=CUSTOMERS,
        rows=ROWS,
        signals=SIGNALS,
    )


def delivery(
    at: datetime, event_type: str, content: Mapping[str, Any], story: str = ""
) -> Delivery:
    """Return what BillaBear posts, the secret still to be put somewhere."""
    return Delivery(PATH, billabear_body(event_type, **content), event_type, story, at)


def in_userinfo(secret: str, delivery: Delivery) -> Delivery:
    # https://SECRET@host/webhooks/billabear
    credentials = base64.b64encode(f"{secret}:".encode()).decode()
    return replace(delivery, headers={"Authorization": f"Basic {credentials}"}, detail="userinfo")


def _in_path(secret: str, delivery: Delivery) -> Delivery:
    # https://host/webhooks/billabear/SECRET
    return replace(delivery, path=f"{PATH}/{secret}", detail="path")


def _in_query(secret: str, delivery: Delivery) -> Delivery:
    # https://host/webhooks/billabear/?token=SECRET
    return replace(delivery, path=f"{PATH}/?token={secret}", headers={}, detail="query")
