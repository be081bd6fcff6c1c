"""What access hangs on when events name less than they could, or the same by two names."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest

from billing_webhooks.explaining import explain
from billing_webhooks.models import Customer, Subscription, WebhookEvent
from billing_webhooks.signals import plan_changed
from tests.conftest import Connect, PostBillaBear, PostKinde, at
from tests.histories import BILLABEAR_CUSTOMERS, ID

pytestmark = pytest.mark.django_db

WHO = {"customer_id": "customer_1"}
AGREED = WHO | {"agreement_id": "agreement_1", "plan": {"code": "pro"}}
LATER = timedelta(days=30)


def play(post_kinde: PostKinde, *told: tuple[str, dict[str, Any]]) -> None:
    for number, (event_type, data) in enumerate(told):
        post_kinde(f"customer.{event_type}", data, occurred_at=at(f"10:{number:02d}"))


PAID_BY_ID: dict[str, tuple[tuple[str, dict[str, Any]], ...]] = {
    "payment": (
        ("agreement_created", AGREED),
        ("payment_failed", AGREED | {"payment_id": "payment_1"}),
        ("payment_succeeded", WHO | {"payment_id": "payment_1"}),
    ),
    "invoice": (
        ("agreement_created", AGREED),
        ("invoice_overdue", AGREED | {"invoice_id": "invoice_1"}),
        ("payment_succeeded", WHO | {"invoice_id": "invoice_1"}),
    ),
}


@pytest.mark.parametrize("told", PAID_BY_ID.values(), ids=PAID_BY_ID.keys())
@pytest.mark.parametrize("order", list(permutations(range(3))), ids=str)
def test_paid__by_an_id_that_was_asked_for_an_agreement(
    post_kinde: PostKinde, told: Sequence[tuple[str, dict[str, Any]]], order: Sequence[int]
) -> None:
    for index in order:
        event_type, data = told[index]
        post_kinde(f"customer.{event_type}", data, occurred_at=at(f"10:0{index}"))

    row = Subscription.objects.get()
    assert (row.status, row.in_arrears_since) == ("active", None)
    assert Customer.objects.get().has_plan("pro", at=at("10:00") + LATER)


@pytest.mark.parametrize("data", [AGREED, WHO], ids=["of an agreement", "of the customer"])
@pytest.mark.parametrize("order", [0, 1])
def test_more_bad_news__lengthens_no_grace(
    post_kinde: PostKinde, data: dict[str, Any], order: int
) -> None:
    bad = [("invoice_overdue", data), ("payment_failed", data)]
    play(post_kinde, ("agreement_created", AGREED), bad[order], bad[1 - order])

    customer, end = Customer.objects.get(), at("10:01") + timedelta(days=7)
    assert customer.has_plan("pro", at=end - timedelta(seconds=1))
    assert not customer.has_plan("pro", at=end)


def test_plan_of_an_agreement__is_not_the_customers_own(post_kinde: PostKinde) -> None:
    ended = {"org_code": "org_1", "agreement_id": "agreement_1"}
    play(post_kinde, ("agreement_created", AGREED), ("agreement_cancelled", ended))

    assert not Customer.objects.get(external_id="customer_1").has_plan("pro")


def test_plan_of_no_agreement__is_the_customers_own(post_kinde: PostKinde) -> None:
    play(post_kinde, ("agreement_created", AGREED), ("plan_changed", WHO | {"plan_code": "max"}))

    assert Customer.objects.get().has_plan("max").rule == "customer_plan"


def test_explained__why_an_active_one_ends(post_kinde: PostKinde) -> None:
    play(post_kinde, ("agreement_created", AGREED), ("payment_failed", WHO))

    told = explain(Customer.objects.get(), "pro", at=at("11:00"))
    assert told
    assert "The customer owes money since" in str(told)


def test_name_of_a_plan__that_passes_to_another_is_told(
    connect: Connect, post_billabear: PostBillaBear
) -> None:
    told: list[Any] = []
    connect(plan_changed, lambda old_plan, plan, **_: told.append((old_plan.code, plan.code)))
    plans = ((1, "Pro", "pro"), (1, "Pro old", "pro"), (2, "Pro", "pro2"))
    first, renamed, second = (
        {"id": ID(20 + number), "name": name, "code": code} for number, name, code in plans
    )
    post_billabear("plan_created", plan=first)
    subscription = {"id": ID(11), "plan_name": "Pro", "status": "active"}
    post_billabear(
        "subscription_updated", customer=BILLABEAR_CUSTOMERS[0], subscription=subscription
    )
    post_billabear("plan_updated", plan=renamed)
    post_billabear("plan_created", plan=second)

    assert told == [("pro", "pro2")]
    event = WebhookEvent.objects.filter(event_type="plan_created").order_by("received_at").last()
    assert event is not None
    assert "subscription" in {entry["model"] for entry in event.changes}
