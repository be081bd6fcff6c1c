"""What each type of Kinde's events means, and whom it is about."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from billing_webhooks.facts import (
    AmountUnit,
    Collection,
    CustomerFact,
    CustomerRef,
    Fact,
    InvoiceFact,
    InvoiceStatus,
    Lifecycle,
    Money,
    PaymentFact,
    PaymentStatus,
    PlanFact,
    PlanRef,
    SubscriptionFact,
    UsageFact,
)
from billing_webhooks.models import Customer, WebhookEvent
from billing_webhooks.providers.kinde import KindeProvider, reading
from tests.conftest import PostKinde
from tests.kinde.deliveries import AGREEMENT_ID, CUSTOMER_ID
from tests.kinde.facts import DUE, NOW, read
from tests.once import on_one_database

on_one_database()

REF = CustomerRef(CUSTOMER_ID, "org_1")
PLAN = PlanRef(code="pro")
MONEY = Money(Decimal("19.99"), AmountUnit.UNKNOWN, "EUR")
DATA = {
    "agreement_id": AGREEMENT_ID,
    "amount": Decimal("19.99"),
    "currency": "EUR",
    "customer_id": CUSTOMER_ID,
    "invoice_due_on": "2026-04-01T12:00:00Z",
    "invoice_id": "invoice_1",
    "meter_id": "seats",
    "org_code": "org_1",
    "payment_id": "payment_1",
    "plan": {"code": "pro", "name": "Pro"},
    "quantity": 3,
}
DESCRIBED = PlanFact(PLAN, name="Pro")
MENTIONED = PlanFact(PLAN, is_mention=True, name="Pro")


def agreement(**news: Any) -> SubscriptionFact:
    facts = {"plan_name": "Pro", "current_period_end": DUE, **news}
    return SubscriptionFact(AGREEMENT_ID, customer=REF, plan=PLAN, **facts)


def entry(**news: Any) -> dict[str, Any]:
    return {"customer": REF, "subscription": AGREEMENT_ID, **news}


# The same data under each type: what differs is what the type itself means.
MEANT: dict[str, list[Fact]] = {
    "plan_created": [DESCRIBED, CustomerFact(REF), agreement()],
    "plan_assigned": [
        DESCRIBED,
        CustomerFact(REF, plan=PLAN, plan_by_agreement=True),
        agreement(),
    ],
    "plan_changed": [
        DESCRIBED,
        CustomerFact(REF, plan=PLAN, plan_by_agreement=True, says_plan_changed=True),
        agreement(says_plan_changed=True),
    ],
    "agreement_created": [
        DESCRIBED,
        CustomerFact(REF, plan=PLAN, plan_by_agreement=True),
        agreement(lifecycle=Lifecycle.STARTED, started_at=NOW),
    ],
    "agreement_cancelled": [
        MENTIONED,
        CustomerFact(REF),
        agreement(lifecycle=Lifecycle.ENDED, cancelled_at=NOW),
    ],
    "payment_succeeded": [
        MENTIONED,
        CustomerFact(REF, collection=Collection.PAID),
        agreement(collection=Collection.PAID),
        PaymentFact(PaymentStatus.SUCCEEDED, "payment_1", **entry(money=MONEY)),
        InvoiceFact(InvoiceStatus.PAID, "invoice_1", **entry(money=MONEY)),
    ],
    "payment_failed": [
        MENTIONED,
        CustomerFact(REF),
        agreement(collection=Collection.FAILED, current_period_end=None),
        PaymentFact(PaymentStatus.FAILED, "payment_1", **entry(money=MONEY)),
    ],
    "invoice_overdue": [
        MENTIONED,
        CustomerFact(REF),
        agreement(collection=Collection.OVERDUE, current_period_end=None),
        InvoiceFact(InvoiceStatus.OVERDUE, "invoice_1", **entry(money=MONEY, due_at=DUE)),
    ],
    "meter_usage_updated": [
        MENTIONED,
        CustomerFact(REF),
        agreement(),
        UsageFact("seats", Decimal(3), **entry()),
    ],
}


@pytest.mark.parametrize(("event_type", "facts"), MEANT.items(), ids=MEANT.keys())
def test_type__what_it_means(event_type: str, facts: list[Fact]) -> None:
    assert read(event_type, {"data": DATA}) == facts


def test_types__all_nine_have_meaning_and_signal() -> None:
    types = {f"customer.{event_type}" for event_type in MEANT}

    assert types == set(reading.MEANINGS) == set(KindeProvider.signals)
    assert len(types) == 9


def test_cancellation_without_agreement__news_of_the_customer() -> None:
    (customer,) = read("agreement_cancelled", {"data": {"customer_id": CUSTOMER_ID}})

    assert customer == CustomerFact(CustomerRef(CUSTOMER_ID), agreement_cancelled_at=NOW)


@pytest.mark.parametrize("event_type", ["payment_failed", "invoice_overdue"])
def test_money_owed_without_agreement__news_of_the_customer(event_type: str) -> None:
    customer = read(event_type, {"data": {"customer_id": CUSTOMER_ID}})[0]

    kind = Collection.FAILED if event_type == "payment_failed" else Collection.OVERDUE
    assert customer == CustomerFact(CustomerRef(CUSTOMER_ID), collection=kind)


def test_cancellation_without_agreement__of_the_plan_that_it_names() -> None:
    customer = read("agreement_cancelled", {"data": DATA | {"agreement_id": None}})[1]

    assert customer == CustomerFact(REF, agreement_cancelled_at=NOW, cancelled_plan=PLAN)


def test_plan_of_the_catalogue__no_customer() -> None:
    assert read("plan_created", {"data": {"plan": {"code": "pro", "name": "Pro"}}}) == [DESCRIBED]


NOBODY: dict[str, list[Fact]] = {
    "plan_created": [],
    "plan_assigned": [],
    "plan_changed": [],
    "agreement_created": [],
    "agreement_cancelled": [],
    "payment_succeeded": [PaymentFact(PaymentStatus.SUCCEEDED, customer=CustomerRef())],
    "payment_failed": [PaymentFact(PaymentStatus.FAILED, customer=CustomerRef())],
    "invoice_overdue": [InvoiceFact(InvoiceStatus.OVERDUE, customer=CustomerRef())],
    "meter_usage_updated": [UsageFact("", None, customer=CustomerRef())],
}


@pytest.mark.parametrize("data", [{}, None, [], "text", 7], ids=repr)
@pytest.mark.parametrize(("event_type", "facts"), NOBODY.items(), ids=NOBODY.keys())
def test_nothing_said__nothing_read(event_type: str, facts: list[Fact], data: Any) -> None:
    assert read(event_type, {"data": data}) == facts


@pytest.mark.django_db
@pytest.mark.parametrize("event_type", NOBODY)
def test_nobody_named__worked_without_a_customer(post_kinde: PostKinde, event_type: str) -> None:
    assert post_kinde(f"customer.{event_type}", {}).status_code == 200

    assert WebhookEvent.objects.get().state == WebhookEvent.State.PROCESSED
    assert not Customer.objects.exists()


SUBJECTS: dict[str, tuple[dict[str, Any], str]] = {
    "customer": (DATA, f"customer:{CUSTOMER_ID}"),
    "organization": ({"org_code": "org_1", "agreement_id": AGREEMENT_ID}, "organization:org_1"),
    "agreement": ({"agreement": {"id": "a"}, "plan": {"code": "pro"}}, "agreement:a"),
    "plan": ({"plan": {"code": "pro"}}, "plan:pro"),
    "plan-id": ({"plan_id": "plan_1"}, "plan:plan_1"),
    "nothing": ({}, ""),
    "unusable": ({"customer_id": "c" * 256}, ""),
}


@pytest.mark.parametrize(("data", "subject"), SUBJECTS.values(), ids=SUBJECTS.keys())
def test_subject__strongest_name(data: dict[str, Any], subject: str) -> None:
    assert reading.subject({"data": data}) == subject
