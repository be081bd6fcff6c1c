"""Plans, subscriptions, payments and usage."""

from __future__ import annotations

from typing import Any

import pytest

from billing_webhooks.models import Payment, Plan, Subscription, UsageRecord
from tests.api.asking import Ask, ids, problem, walk
from tests.conftest import at

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("plans", ["pro"]),
        ("subscriptions", ["agreement_bob", "agreement_ada"]),
        ("payments", ["pay_bob", "pay_ada"]),
        ("usage", ["~event:usage_bob", "~event:usage_ada"]),
    ],
)
def test_rows__are_found_by_the_ids_in_lists(
    ask: Ask, data: None, path: str, names: list[str]
) -> None:
    listed = ask(f"{path}/").json()["results"]

    assert [row["id"] for row in listed] == names
    assert [ask(f"{path}/kinde/{name}/").json() for name in names] == listed


def test_subscription__names_customer_and_plan(ask: Ask, data: None) -> None:
    told = ask("subscriptions/kinde/agreement_ada/").json()

    assert (told["customer"], told["plan"], told["status"]) == ("customer_ada", "pro", "active")
    assert ask(f"customers/kinde/{told['customer']}/").status_code == 200
    assert ask(f"plans/kinde/{told['plan']}/").status_code == 200


def test_payment__amount_is_text(ask: Ask, data: None) -> None:
    told = ask("payments/kinde/pay_ada/").json()

    assert (told["amount"], told["amount_unit"], told["currency"]) == ("19.9", "unknown", None)
    assert (told["customer"], told["status"]) == ("customer_ada", "succeeded")


def test_times__are_utc(ask: Ask, data: None) -> None:
    assert ask("payments/kinde/pay_ada/").json()["occurred_at"].endswith("Z")


@pytest.mark.parametrize(
    ("path", "query", "found"),
    [
        ("plans", {"code": "pro"}, ["pro"]),
        ("plans", {"code": "Pro"}, []),
        ("plans", {"external_id": "pro"}, []),
        ("subscriptions", {"customer": "customer_ada"}, ["agreement_ada"]),
        ("subscriptions", {"customer": "nobody"}, []),
        ("subscriptions", {"status": "paused"}, []),
        ("subscriptions", {"status": "active", "provider": "billabear"}, []),
        ("payments", {"customer": "customer_bob"}, ["pay_bob"]),
        ("payments", {"status": "failed"}, []),
        ("usage", {"customer": "customer_bob", "meter": "seats"}, ["~event:usage_bob"]),
        ("usage", {"customer": "customer_bob", "meter": "gigabytes"}, []),
    ],
    ids=str,
)
def test_filters(ask: Ask, data: None, path: str, query: Any, found: list[str]) -> None:
    assert ids(ask(f"{path}/", **query)) == found


def test_meter__of_whom_has_to_be_said(ask: Ask) -> None:
    answer = ask("usage/", meter="seats")

    assert problem(answer, 400) == "invalid_parameter"
    assert answer.json()["errors"] == [
        {"parameter": "meter", "detail": "It has to be given with `customer`."}
    ]


@pytest.mark.parametrize("path", ["plans", "subscriptions", "payments"])
def test_updated_since__in_the_order_of_changes(ask: Ask, data: None, path: str) -> None:
    listed = walk(ask, f"{path}/", updated_since="2001-01-01T00:00:00Z", limit=1)

    assert listed == sorted(listed)
    assert ids(ask(f"{path}/", updated_since="2999-01-01T00:00:00Z")) == []


def test_subscriptions__by_the_end_of_the_period(ask: Ask) -> None:
    for name, end in {"late": at("11:00"), "never": None, "soon": at("10:00")}.items():
        Subscription.objects.create(provider="kinde", external_id=name, current_period_end=end)

    assert walk(ask, "subscriptions/", ordering="period_end", limit=1) == ["soon", "late", "never"]


def test_usage__in_the_order_of_time_of_one_meter_alone(ask: Ask, data: None) -> None:
    one = {"customer": "customer_ada", "meter": "seats"}

    assert ids(ask("usage/", **one, ordering="latest")) == ["~event:usage_ada"]
    answer = ask("usage/", customer="customer_ada", ordering="latest")
    assert problem(answer, 400) == "invalid_parameter"
    assert "`latest` (with `customer` and `meter`)" in answer.json()["errors"][0]["detail"]


@pytest.mark.parametrize(
    ("model", "path", "facts"),
    [(Payment, "payments", {"status": "failed"}), (UsageRecord, "usage", {})],
)
def test_entries__that_nothing_names(ask: Ask, model: Any, path: str, facts: Any) -> None:
    row = model.objects.create(provider="kinde", identity="x", occurred_at=at("10:00"), **facts)

    assert ids(ask(f"{path}/")) == [f"~row:{row.pk}"]
    assert ask(f"{path}/kinde/~row:{row.pk}/").status_code == 200


def test_plan__that_has_a_name_alone(ask: Ask) -> None:
    plan = Plan.objects.create(provider="billabear", name="Große Pläne")
    plan.identities.create(provider="billabear", kind="name", value=plan.name)
    (name,) = ids(ask("plans/"))

    assert name == "~name:Gro~C3~9Fe~20Pl~C3~A4ne"
    assert ask(f"plans/billabear/{name}/").json()["name"] == plan.name


def test_explain__as_the_command_explains(ask: Ask, data: None) -> None:
    told = ask("customers/kinde/customer_ada/explain/", plan=["gold", "pro"]).json()

    assert (told["granted"], told["rule"], told["plans"]) == (True, "active", ["gold", "pro"])
    (customer,) = told["customers"]
    assert (customer["id"], customer["subscriptions"][0]["id"]) == ("customer_ada", "agreement_ada")
    assert customer["subscriptions"][0]["registers"][0]["event"]["event_type"]


@pytest.mark.parametrize("plans", [[""], ["\0"], ["x" * 256], ["x"] * 21])
def test_explain__of_what_is_no_plan(ask: Ask, data: None, plans: list[str]) -> None:
    answer = ask("customers/kinde/customer_ada/explain/", plan=plans)

    assert problem(answer, 400) == "invalid_parameter"
