"""What a client that copies rows is told of, and by what it learns that one is gone."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.db.models.signals import post_delete
from django.utils import timezone

from billing_webhooks.erasing import erase
from billing_webhooks.models import Customer
from tests.api.asking import Ask, ids, problem
from tests.conftest import PostKinde, at

pytestmark = pytest.mark.django_db

PAGE = Path(__file__).parent.parent.parent / "docs" / "api.md"
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
ORGANIZATION = {"org_code": "org_1"}
LISTS = ["customers", "plans", "subscriptions", "payments", "usage"]


def pay(post_kinde: PostKinde, name: str, **who: Any) -> None:
    post_kinde("customer.payment_succeeded", {**who, "payment_id": name}, occurred_at=at("10:00"))


def claim(post_kinde: PostKinde, customer: str, time: str) -> None:
    """Say that the organisation is this customer's."""
    who = {**ORGANIZATION, "customer_id": customer}
    post_kinde("customer.plan_assigned", {**who, "plan": {"code": "pro"}}, occurred_at=at(time))


def changed(ask: Ask, path: str, since: Any) -> dict[str, Any]:
    rows = ask(f"{path}/", updated_since=since.isoformat()).json()["results"]
    return {row["id"]: row for row in rows}


@pytest.mark.parametrize("path", LISTS)
def test_updated_since__is_there_for_every_row(ask: Ask, data: None, path: str) -> None:
    everything = sorted(ids(ask(f"{path}/")))

    assert sorted(ids(ask(f"{path}/", updated_since="2001-01-01T00:00:00Z"))) == everything
    assert changed(ask, path, timezone.now()) == {}


def test_merge__is_told_of_what_belongs_to_another_now(ask: Ask, post_kinde: PostKinde) -> None:
    pay(post_kinde, "pay_1", **ORGANIZATION)
    pay(post_kinde, "pay_2", customer_id="customer_1")
    since = timezone.now()
    claim(post_kinde, "customer_1", "11:00")

    assert changed(ask, "customers", since).keys() == {"customer_1"}
    assert changed(ask, "payments", since)["pay_1"]["customer"] == "customer_1"


def test_name__that_passes_is_told_of_what_passes_with_it(ask: Ask, post_kinde: PostKinde) -> None:
    claim(post_kinde, "customer_1", "09:00")
    pay(post_kinde, "pay_1", **ORGANIZATION)
    since = timezone.now()
    claim(post_kinde, "customer_2", "11:00")

    assert changed(ask, "customers", since).keys() == {"customer_1", "customer_2"}
    assert changed(ask, "payments", since)["pay_1"]["customer"] == "customer_2"


def test_merged__is_found_by_its_old_id_under_its_new_one(ask: Ask, post_kinde: PostKinde) -> None:
    pay(post_kinde, "pay_1", **ORGANIZATION)
    pay(post_kinde, "pay_2", customer_id="customer_1")
    old = "~organization:org_1"
    assert ask(f"customers/kinde/{old}/").json()["id"] == old
    claim(post_kinde, "customer_1", "11:00")

    assert ask(f"customers/kinde/{old}/").json()["id"] == "customer_1"


def test_erased__is_not_found_with_all_that_was_hers(ask: Ask, data: None) -> None:
    erase(Customer.objects.get(external_id="customer_ada"))

    for address in (
        "customers/kinde/customer_ada/",
        "subscriptions/kinde/agreement_ada/",
        "payments/kinde/pay_ada/",
        "usage/kinde/~event:usage_ada/",
    ):
        assert problem(ask(address), 404) == "not_found"


def test_gone__is_told_by_the_signal_of_django(post_kinde: PostKinde, data: None) -> None:
    gone: list[str] = []

    def hear(instance: Customer, **_: Any) -> None:
        gone.append(instance.external_id or instance.organization_code)

    post_delete.connect(hear, sender=Customer)
    try:
        pay(post_kinde, "pay_1", **ORGANIZATION)
        claim(post_kinde, "customer_ada", "11:00")
        erase(Customer.objects.get(external_id="customer_bob"))
    finally:
        post_delete.disconnect(hear, sender=Customer)

    assert gone == ["org_1", "customer_bob"]


@pytest.fixture
def page() -> dict[str, Any]:
    """The functions that the page gives to those who copy rows."""
    found: dict[str, Any] = {}
    for code in re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL):
        if "def update(" in code:
            exec(code, found)  # noqa: S102 - our own text
    return found


@pytest.fixture
def from_here(ask: Ask) -> Callable[[str], Any]:
    def answer(address: str) -> Any:
        # Pages of one, so that each has another after it.
        return ask(address.replace("limit=200", "limit=1")).json()

    return answer


def test_copy__of_the_page_has_what_there_is(
    page: dict[str, Any], from_here: Callable[[str], Any], data: None
) -> None:
    copies: dict[str, dict[Any, Any]] = {path: {} for path in LISTS}
    for path, copy in copies.items():
        since = page["update"](from_here, path, copy, LONG_AGO)
        assert since == max(datetime.fromisoformat(row["updated_at"]) for row in copy.values())

    assert copies["customers"].keys() == {("kinde", "customer_ada"), ("kinde", "customer_bob")}
    assert len(copies["usage"]) == 2


def test_copy__of_the_page_follows_what_changes_and_what_goes(
    page: dict[str, Any], from_here: Callable[[str], Any], post_kinde: PostKinde, data: None
) -> None:
    copy: dict[Any, Any] = {}
    pay(post_kinde, "pay_1", **ORGANIZATION)
    since = page["update"](from_here, "customers", copy, LONG_AGO)
    assert ("kinde", "~organization:org_1") in copy
    claim(post_kinde, "customer_ada", "11:00")
    erase(Customer.objects.get(external_id="customer_bob"))
    page["update"](from_here, "customers", copy, since)
    page["drop"](from_here, "customers", copy)

    assert copy.keys() == {("kinde", "customer_ada")}
    assert copy["kinde", "customer_ada"]["organization_code"] == "org_1"
