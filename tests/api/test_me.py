"""What whoever is signed in has, and what is not theirs to see."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from billing_webhooks.models import Customer
from tests.api.asking import Ask, asking, ids, problem

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada(people: dict[str, Any]) -> Ask:
    client = Client()
    client.force_login(people["ada"])
    return asking(client)


def test_lists__have_what_is_hers_alone(ada: Ask) -> None:
    assert ids(ada("me/customers/")) == ["customer_ada"]
    assert ids(ada("me/subscriptions/")) == ["agreement_ada"]
    assert ids(ada("me/usage/")) == ["~event:usage_ada"]


def test_usage__of_others_is_not_found_by_filters_either(ada: Ask) -> None:
    key = Customer.objects.get(external_id="customer_bob").pk
    for name in ("customer_bob", f"~row:{key}"):
        assert ids(ada("me/usage/", customer=name, meter="seats", ordering="latest")) == []


def test_rows__of_others_are_not_there(ada: Ask) -> None:
    key = Customer.objects.get(external_id="customer_bob").pk
    for address in (
        "customers/kinde/customer_bob/",
        f"customers/kinde/~row:{key}/",
        "subscriptions/kinde/agreement_bob/",
    ):
        assert problem(ada(f"me/{address}"), 404) == "not_found"


def test_rows__are_told_as_staff_is(ada: Ask, ask: Ask) -> None:
    address = "subscriptions/kinde/agreement_ada/"
    assert ada(f"me/{address}").json() == ask(address).json()


def test_customer__without_who_deals_with_the_bills(ada: Ask, ask: Ask) -> None:
    """An organisation's customer has many users, and the address of one of them."""
    address = "customers/kinde/customer_ada/"
    told, of_staff = ada(f"me/{address}").json(), ask(address).json()

    assert of_staff.pop("email") == "ada@example.org"
    assert of_staff.pop("user_external_id") == "kp_ada"
    assert of_staff.pop("kind") == "person"
    assert told == of_staff
    assert "ada@example.org" not in ada("me/explain/").content.decode()
    assert "kp_ada" not in ada("me/explain/").content.decode()


def test_explain__does_not_tell_what_else_is_sold(ada: Ask, ask: Ask) -> None:
    told = ada("me/explain/", plan=["por", "pro"]).json()
    alike = ada("me/explain/", plan=["xyz", "pro"]).json()

    assert (told["notes"], alike["notes"]) == ([], [])
    of_staff = ask("customers/kinde/customer_ada/explain/", plan="por").json()
    assert "There is: pro" in of_staff["notes"][0]


def test_access__with_a_reason_and_by_what(ada: Ask) -> None:
    told = ada("me/access/", plan=["gold", "pro"]).json()

    assert told == {
        "granted": True,
        "rule": "active",
        "reason": "It is active.",
        "until": None,
        "customer": {"provider": "kinde", "id": "customer_ada"},
        "subscription": "agreement_ada",
        "plan": "pro",
    }


@pytest.mark.parametrize(("query", "granted"), [({}, True), ({"plan": "gold"}, False)])
def test_access__to_anything_or_to_a_plan(ada: Ask, query: Any, granted: bool) -> None:
    assert ada("me/access/", **query).json()["granted"] is granted


def test_access__of_who_has_nothing(people: dict[str, Any], client: Client) -> None:
    client.force_login(people["staff"])
    told = asking(client)("me/access/").json()

    assert (told["granted"], told["rule"], told["customer"]) == (False, "no_customer", None)


def test_explain__oneself(ada: Ask) -> None:
    told = ada("me/explain/", plan="pro").json()

    assert (told["granted"], [each["id"] for each in told["customers"]]) == (True, ["customer_ada"])
    assert "bob" not in ada("me/explain/").content.decode()


def test_customers__of_several_users_are_listed_once(ada: Ask, people: dict[str, Any]) -> None:
    Customer.objects.get(external_id="customer_ada").link(people["bob"])

    assert ids(ada("me/customers/")) == ["customer_ada"]
