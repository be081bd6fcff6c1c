"""What is answered, and at what cost."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser

from billing_webhooks.access import billing_of, has_plan, users_with_plan
from billing_webhooks.models import Customer, CustomerLink, Subscription
from tests.conftest import PostKinde

pytestmark = pytest.mark.django_db

OF_ADA = {"customer_id": "customer_ada", "agreement_id": "agreement_1", "plan": {"code": "pro"}}
EVA = {"id": "8d1c7f2e-1111-4222-8333-0123456789ab", "email": "eva@example.org"}


def subscription(status: str, plan: str = "Pro") -> dict[str, Any]:
    return {"id": "0e1c7f2e-1111-4222-8333-0123456789ab", "plan_name": plan, "status": status}


@pytest.fixture
def ada(post_kinde: PostKinde) -> Customer:
    post_kinde("customer.agreement_created", OF_ADA)
    return Customer.objects.get()


def test_smoke(ada: Customer, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(1):
        answer = ada.has_plan("pro")
    assert answer
    print(repr(answer))
    user = get_user_model().objects.create(username="ada")
    with django_assert_num_queries(1):
        answer = billing_of(user).has_plan("pro")
    assert answer.rule == "no_customer"
    CustomerLink.objects.create(customer=ada, user=user)
    with django_assert_num_queries(1):
        answer = billing_of(user).has_plan("pro")
    assert answer
    assert [*users_with_plan("pro")] == [user]
    assert [*users_with_plan("Pro")] == []
    assert not billing_of(user).has_plan("Pro", "pr")
    assert billing_of(user).has_active_subscription()
    assert not has_plan(AnonymousUser(), "pro")
    assert answer.subscription == Subscription.objects.get()
    print(repr(answer), billing_of(user).has_plan("Pro", "pr"))
