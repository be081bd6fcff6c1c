"""Whoever is asked, and however, the answer is the same."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from hypothesis import given
from hypothesis import strategies as st

from billing_webhooks.access import has_plan, users_with_plan
from billing_webhooks.explaining import explain
from billing_webhooks.facts import Collection, SubscriptionStatus
from billing_webhooks.models import Customer, Plan, Subscription
from tests.access import rows
from tests.access.rows import NOW
from tests.fuzzing.budget import budget

PLANS = ("pro", "team")

times = st.none() | st.integers(-20, 20).map(lambda days: NOW + timedelta(days=days))
plans = st.none() | st.sampled_from(PLANS)
subscriptions = st.fixed_dictionaries(
    {
        "status": st.sampled_from(SubscriptionStatus),
        "plan": plans,
        "counts_as_active": st.none() | st.booleans(),
        "in_arrears_since": times,
        "current_period_end": times,
        "cancelled_at": times,
        "started_at": times,
    }
)
customers = st.fixed_dictionaries(
    {
        "plan": plans,
        "is_disabled": st.sampled_from([False, False, True]),
        "collection": st.sampled_from(["", *Collection]),
        "in_arrears_since": times,
        "plan_ended_at": times,
    }
)
histories = st.lists(st.tuples(customers, st.lists(subscriptions, max_size=3)), max_size=3)


def make(history: Any) -> Any:
    """Return a user who is linked to customers with these rows, and nothing else is there."""
    for model in (Subscription, Customer, Plan, get_user_model()):
        model.objects.all().delete()
    known = {code: rows.plan(code) for code in PLANS}
    known[None] = None  # type: ignore[index, assignment]
    owners = []
    for columns, bought in history:
        owners.append(rows.customer(**{**columns, "plan": known[columns["plan"]]}))
        for each in bought:
            rows.subscription(owner=owners[-1], **{**each, "plan": known[each["plan"]]})
    return rows.user(*owners)


@pytest.mark.django_db
@given(histories, st.integers(-10, 10).map(lambda days: NOW + timedelta(days=days)))
@budget(30)
def test_answers__agree(history: Any, moment: Any) -> None:
    who = make(history)
    for code in PLANS:
        answer = has_plan(who, code, at=moment)
        told = explain(who, code, at=moment)
        granting = Subscription.objects.granting_access(moment).of_plan(code)
        customers = Customer.objects.having_plan(code, at=moment)

        assert (told.granted, told.rule, told.until) == (
            answer.granted,
            answer.rule,
            answer.until,
        )
        assert users_with_plan(code, at=moment).exists() is answer.granted
        assert {each.pk for each in customers} == {
            each.pk for each in Customer.objects.all() if each.has_plan(code, at=moment)
        }
        assert {each.pk for each in granting} == {
            subscription.id
            for customer in told.customers
            for subscription in customer.subscriptions
            if subscription.is_asked_for and subscription.rule.granted
        }
        assert answer.until is None or answer.until > moment


@pytest.mark.django_db
@given(histories)
@budget(30)
def test_answer__is_yes_until_it_ends(history: Any) -> None:
    who = make(history)
    answer = has_plan(who, "pro", at=NOW)
    if answer.until is not None:
        assert has_plan(who, "pro", at=answer.until - rows.MOMENT)
        again = has_plan(who, "pro", at=answer.until)
        assert (again.rule, again.subscription_id) != (answer.rule, answer.subscription_id)
