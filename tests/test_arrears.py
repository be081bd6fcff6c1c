"""Since when money is owed: by the first bad news after the last good, in any order."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing_webhooks.models import Customer, Subscription
from tests.conftest import PostBillaBear, PostKinde, at
from tests.fuzzing.budget import budget
from tests.test_convergence import rolled_back

pytestmark = pytest.mark.django_db

AGREED = {"customer_id": "customer_1", "agreement_id": "agreement_1", "plan": {"code": "pro"}}
UNNAMED = {"customer_id": "customer_1"}
BAD = {"customer.payment_failed": "past_due", "customer.invoice_overdue": "unpaid"}
TYPES = ("customer.payment_succeeded", *BAD)
SUBSCRIPTION = "0b1e5c1e-0000-4000-8000-000000000011"
ADA = {"id": "0b1e5c1e-0000-4000-8000-000000000001", "email": "ada@example.org"}

History = Sequence[tuple[str, datetime]]


def owed_since(history: History) -> datetime | None:
    """Return what the histories of these tests come to, told as the rule is told to people."""
    told = sorted(history, key=lambda event: event[1])
    latest = told[-1][0]
    if latest not in BAD:
        return None
    paid = [moment for event_type, moment in told if event_type not in BAD]
    return min(
        moment
        for event_type, moment in told
        if event_type in BAD and (not paid or moment > max(paid))
    )


@pytest.mark.parametrize("data", [AGREED, UNNAMED], ids=["of a subscription", "of a customer"])
@budget(20)
@given(
    types=st.lists(st.sampled_from(TYPES), min_size=1, max_size=6),
    draw=st.data(),
)
def test_arrears__from_the_first_bad_news_in_any_order(
    post_kinde: PostKinde, data: dict[str, Any], types: list[str], draw: st.DataObject
) -> None:
    history = [(each, at("10:00") + timedelta(minutes=n)) for n, each in enumerate(types)]
    with rolled_back():
        for event_type, moment in draw.draw(st.permutations(history)):
            post_kinde(event_type, data, occurred_at=moment)

        model: Any = Subscription if data is AGREED else Customer
        assert model.objects.get().in_arrears_since == owed_since(history)


def test_arrears_of_a_subscription__are_not_its_customers(post_kinde: PostKinde) -> None:
    post_kinde("customer.payment_failed", AGREED, occurred_at=at("10:00"))

    customer = Customer.objects.get()
    assert (customer.collection, customer.in_arrears_since) == ("", None)


def test_arrears_of_a_customer__settled_by_any_payment(post_kinde: PostKinde) -> None:
    post_kinde("customer.payment_failed", UNNAMED, occurred_at=at("10:00"))
    post_kinde("customer.payment_succeeded", AGREED, occurred_at=at("11:00"))

    customer = Customer.objects.get()
    assert (customer.collection, customer.in_arrears_since) == ("paid", None)


def test_arrears_of_an_organisation__become_its_customers(post_kinde: PostKinde) -> None:
    post_kinde("customer.payment_failed", {"org_code": "org_1"}, occurred_at=at("10:00"))
    post_kinde("customer.plan_assigned", UNNAMED, occurred_at=at("10:30"))
    post_kinde("customer.plan_assigned", UNNAMED | {"org_code": "org_1"}, occurred_at=at("11:00"))

    assert Customer.objects.get().in_arrears_since == at("10:00")


def test_billabear__a_seat_more_does_not_lengthen_the_grace(
    post_billabear: PostBillaBear,
) -> None:
    for word in ("active", "overdue_payment_open", "overdue_payment_open"):
        subscription = {"id": SUBSCRIPTION, "plan_name": "Pro", "status": word}
        post_billabear("subscription_updated", customer=ADA, subscription=subscription)

    owes = Subscription.objects.get()
    first, second = (
        event.received_at
        for event in reversed(owes.customer.events.all()[:2])  # type: ignore[union-attr]
    )
    assert first < second
    assert owes.in_arrears_since == first
    assert owes.counts_as_active is True


def test_billabear__a_new_word_tells_nothing_of_what_is_active(
    post_billabear: PostBillaBear,
) -> None:
    for word in ("active", "on_holiday"):
        subscription = {"id": SUBSCRIPTION, "plan_name": "Pro", "status": word}
        post_billabear("subscription_updated", customer=ADA, subscription=subscription)

    row = Subscription.objects.get()
    assert (row.status, row.counts_as_active) == ("unknown", None)


OLD, NEW = {"plan": {"code": "free"}}, {"plan": {"code": "pro"}}
CHANGE: tuple[tuple[str, dict[str, Any], str], ...] = (
    ("customer.plan_assigned", OLD, "09:00"),
    ("customer.plan_changed", NEW, "10:00"),
    ("customer.agreement_cancelled", OLD, "10:01"),
)


@pytest.mark.parametrize("order", list(permutations(range(3))), ids=str)
def test_plan_without_agreement__not_ended_by_the_end_of_the_old_one(
    post_kinde: PostKinde, order: Sequence[int]
) -> None:
    for event_type, plan, moment in (CHANGE[index] for index in order):
        post_kinde(event_type, UNNAMED | plan, occurred_at=at(moment))

    customer = Customer.objects.get()
    assert customer.plan is not None
    assert (customer.plan.code, customer.plan_ended_at) == ("pro", None)
    assert customer.agreement_cancelled_at == at("10:01")


@pytest.mark.parametrize("plan", [{}, NEW], ids=["no plan named", "the plan named"])
@pytest.mark.parametrize("order", list(permutations(range(3))), ids=str)
def test_plan_without_agreement__ends_by_a_later_cancellation(
    post_kinde: PostKinde, order: Sequence[int], plan: dict[str, Any]
) -> None:
    history = (*CHANGE[:2], ("customer.agreement_cancelled", plan, "11:00"))
    for event_type, data, moment in (history[index] for index in order):
        post_kinde(event_type, UNNAMED | data, occurred_at=at(moment))

    assert Customer.objects.get().plan_ended_at == at("11:00")
