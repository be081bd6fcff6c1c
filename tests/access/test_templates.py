"""What a user may use, in templates."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.template import Context, Template
from django.test import RequestFactory

from billing_webhooks.models import Customer
from tests.conftest import PostKinde
from tests.once import on_one_database

on_one_database()

pytestmark = pytest.mark.django_db

FILTER = '{% if user|has_plan:"pro" %}yes{% else %}no{% endif %}'
TAG = '{% has_plan "pro" "team" as allowed %}{% if allowed %}yes{% else %}no{% endif %}'
ANYTHING = "{% has_plan as allowed %}{% if allowed %}yes{% else %}no{% endif %}"

each = pytest.mark.parametrize("text", [FILTER, TAG, ANYTHING], ids=["filter", "tag", "anything"])


@pytest.fixture
def ada(post_kinde: PostKinde) -> User:
    """Who has the plan "pro"."""
    post_kinde("customer.plan_assigned", {"customer_id": "customer_1", "plan": {"code": "pro"}})
    ada = User.objects.create_user("ada")
    Customer.objects.get().link(ada)
    return ada


def rendered(text: str, user: Any, **more: Any) -> str:
    request = RequestFactory().get("/")
    request.user = user
    context = Context({"request": request, "user": user, **more})
    return Template("{% load billing_webhooks %}" + text).render(context)


@each
def test_template__who_has_it(ada: User, text: str, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(1):
        assert rendered(text, ada) == "yes"


@each
def test_template__who_does_not(text: str, django_assert_num_queries: Any) -> None:
    bob = User.objects.create_user("bob")
    with django_assert_num_queries(1):
        assert rendered(text, bob) == "no"


@each
def test_template__nobody(text: str, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        assert rendered(text, AnonymousUser()) == "no"


@each
def test_template__without_a_request(text: str) -> None:
    assert Template("{% load billing_webhooks %}" + text).render(Context()) == "no"


def test_tag__names_may_be_variables(ada: User) -> None:
    text = "{% has_plan wanted as allowed %}{{ allowed.rule }}"
    assert rendered(text, ada, wanted="pro") == "customer_plan"
    assert rendered(text, ada, wanted="gold") == "nothing"


def test_tag__says_why_where_it_stands_alone(ada: User) -> None:
    said = rendered('{% has_plan "pro" %}', ada)
    assert said.startswith("Yes: ")


def test_filter__of_a_customer(ada: User) -> None:
    text = '{% if customer|has_plan:"pro" %}yes{% endif %}'
    assert rendered(text, None, customer=Customer.objects.get()) == "yes"
