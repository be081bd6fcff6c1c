"""What Kinde sends in this month: signed events, in no reliable order."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from billing_webhooks.testing import KindeIssuer, kinde_event
from example_project.demonstration.calendar import Calendar
from example_project.demonstration.deliveries import Delivery, History

PATH = "/webhooks/kinde"
HEADERS = {"Content-Type": "application/jwt"}
# From its signature to its arrival.
ON_ITS_WAY = timedelta(seconds=3)

STARTER = {"plan": {"code": "starter", "name": "Starter"}}
PRO = {"plan": {"code": "pro", "name": "Pro"}}

NORTHWIND = {
    "customer_id": "customer_0195a1c27f3e7d0a8b6c4e2f10a3b5c7",
    "org_code": "org_4f1c8a2b9d3",
    "customer": {"email": "billing@northwind.example"},
}
FABRIKAM = {
    "customer_id": "customer_0195a1c2a1b27c3d9e8f7a6b5c4d3e2f",
    "org_code": "org_7d2e9b4c1a5",
    "customer": {"email": "office@fabrikam.example"},
}
JOAN = {
    "customer_id": "customer_0195a1c2d5e67f8091a2b3c4d5e6f708",
    "user_id": "kp_2f9d1c7b4a6e48d0b3c5a7e9f1d2b4c6",
    "customer": {"email": "joan@contoso.example"},
}

NORTHWIND_STARTER = {"agreement_id": "agreement_0195a1c3000170008000000000000001"}
NORTHWIND_PRO = {"agreement_id": "agreement_0195a1c3000270008000000000000002"}
FABRIKAM_STARTER = {"agreement_id": "agreement_0195a1c3000370008000000000000003"}
JOAN_PRO = {"agreement_id": "agreement_0195a1c3000470008000000000000004"}

EXPORTS = {"billing_feature_code": "exports"}


def _money(amount: str, **ids: str) -> dict[str, Any]:
    return {"amount": amount, "currency": "EUR", **ids}


# Days ago, type, data, story; in the order of arrival.
EVENTS: list[tuple[float, str, Mapping[str, Any], str]] = [
    (
        29.99,
        "customer.agreement_created",
        NORTHWIND | STARTER | NORTHWIND_STARTER,
        "Northwind signs up for Starter",
    ),
    (
        30,
        "customer.plan_assigned",
        NORTHWIND | STARTER,
        "Out of order: happened before the line above",
    ),
    (
        29.98,
        "customer.payment_succeeded",
        NORTHWIND | NORTHWIND_STARTER | _money("29.00", payment_id="pay_1001"),
        "Northwind pays",
    ),
    (
        26,
        "customer.plan_assigned",
        FABRIKAM | STARTER,
        "Fabrikam signs up for Starter",
    ),
    (
        25.99,
        "customer.agreement_created",
        FABRIKAM | STARTER | FABRIKAM_STARTER,
        "Here the agreement comes second",
    ),
    (
        25.98,
        "customer.payment_succeeded",
        FABRIKAM | FABRIKAM_STARTER | _money("29.00", payment_id="pay_1002"),
        "Fabrikam pays",
    ),
    (
        22,
        "customer.agreement_created",
        JOAN | PRO | JOAN_PRO,
        "Joan, a person, signs up for Pro",
    ),
    (
        20,
        "customer.meter_usage_updated",
        NORTHWIND | NORTHWIND_STARTER | EXPORTS | {"quantity": 120},
        "Northwind exports 120 times",
    ),
    (
        14,
        "customer.meter_usage_updated",
        NORTHWIND | NORTHWIND_STARTER | EXPORTS | {"quantity": "95"},
        "95 times, and the number comes as text",
    ),
    (
        12,
        "customer.meter_usage_updated",
        NORTHWIND | NORTHWIND_STARTER | EXPORTS | {"quantity": 0},
        "Not once: zero is a reading, too",
    ),
    (
        9.98,
        "customer.plan_changed",
        NORTHWIND | PRO | NORTHWIND_PRO,
        "Northwind upgrades to Pro",
    ),
    (
        9.99,
        "customer.agreement_created",
        NORTHWIND | PRO | NORTHWIND_PRO,
        "Out of order: the new agreement began before",
    ),
    (
        10,
        "customer.agreement_cancelled",
        NORTHWIND | NORTHWIND_STARTER,
        "Out of order: the old one ended before both",
    ),
    (
        9.97,
        "customer.payment_succeeded",
        NORTHWIND | NORTHWIND_PRO | _money("79.00", payment_id="pay_1004"),
        "Northwind pays for Pro",
    ),
    (
        6,
        "customer.payment_failed",
        FABRIKAM | FABRIKAM_STARTER | _money("29.00", payment_id="pay_1005"),
        "Fabrikam's card is declined",
    ),
    (
        3,
        "customer.invoice_overdue",
        FABRIKAM | FABRIKAM_STARTER | _money("29.00", invoice_id="inv_2001"),
        "Its invoice is overdue",
    ),
    (
        2,
        "customer.agreement_cancelled",
        JOAN | JOAN_PRO,
        "Joan leaves",
    ),
    (
        11,
        "customer.payment_failed",
        NORTHWIND | NORTHWIND_STARTER | _money("29.00", payment_id="pay_1003"),
        "Late: a payment failed before the upgrade",
    ),
    (
        1.7,
        "customer.discount_granted",
        NORTHWIND | {"percent": 10},
        "A type that nobody knows yet",
    ),
]

# E-mail → plan and status, once everything has arrived.
CUSTOMERS = {
    "billing@northwind.example": ("Pro", "active"),
    "office@fabrikam.example": ("Starter", "unpaid"),
    "joan@contoso.example": ("Pro", "cancelled"),
}
ROWS = {"payments": 5, "invoices": 1, "usage": 3}
SIGNALS = {
    "customer_created": 3,
    "event_processed": 1,
    "invoice_overdue": 1,
    "kinde.customer_agreement_created": 4,
    "payment_failed": 2,
    "payment_succeeded": 3,
    "plan_changed": 1,
    "subscription_ended": 2,
    "subscription_started": 4,
    "usage_recorded": 3,
}


def history(issuer: KindeIssuer, calendar: Calendar, signed_at: datetime | None = None) -> History:
    """
    Return a month of events signed by the issuer, of which the last is some days old.

    They are signed when they arrive; a server whose clock is not set needs `signed_at` now.
    """
    genuine: list[Delivery] = []
    claims = {"timestamp": signed_at.isoformat()} if signed_at else {}
    for days_ago, event_type, data, story in EVENTS:
        occurred_at = calendar.moment(days_ago)
        earliest = genuine[-1].at if genuine else occurred_at
        at = max(occurred_at, earliest) + ON_ITS_WAY
        genuine.append(delivery(issuer, event_type, data, occurred_at, at, story, **claims))
    failure = next(each for each in genuine if each.event_type == "customer.payment_failed")
    repeated = replace(
        failure,
        at=failure.at + timedelta(hours=1),
        story="The same delivery again is the same event",
        is_new=False,
    )
    return History(
        provider="kinde",
        name="Kinde",
        detail_title="happened",
        deliveries=[*genuine, repeated, _forgery(issuer, calendar), _garbage(calendar)],
        customers=CUSTOMERS,
        rows=ROWS,
        signals=SIGNALS,
    )


def delivery(
    issuer: KindeIssuer,
    event_type: str,
    data: Mapping[str, Any],
    occurred_at: datetime,
    at: datetime,
    story: str = "",
    **claims: Any,
) -> Delivery:
    """Return what Kinde posts when an event has occurred, signed just before it arrives."""
    said = {"timestamp": (at - ON_ITS_WAY).isoformat(), **claims}
    return Delivery(
        path=PATH,
        body=issuer.sign(kinde_event(event_type, data, occurred_at=occurred_at, **said)),
        event_type=event_type,
        story=story,
        at=at,
        detail=f"{occurred_at:%Y-%m-%d %H:%M}",
        headers=HEADERS,
    )


def _forgery(issuer: KindeIssuer, calendar: Calendar) -> Delivery:
    """Return an event signed by somebody else, under the id of the right key."""
    forger = KindeIssuer(kid=issuer.kid)
    at = calendar.moment(0.3)
    story = "A forgery: refused, and nothing is stored"
    forged = delivery(forger, "customer.plan_changed", JOAN | PRO | JOAN_PRO, at, at, story)
    return replace(forged, status=401, is_new=False)


def _garbage(calendar: Calendar) -> Delivery:
    return Delivery(
        path=f"{PATH}/",
        body=b"this is no signed event",
        event_type="(no event)",
        story="Garbage: refused",
        at=calendar.moment(0.2),
        status=400,
        is_new=False,
    )
