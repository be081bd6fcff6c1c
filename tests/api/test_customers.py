"""Customers: lists, pages, filters, one by its names, and what is asked for wrongly."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from billing_webhooks.models import Customer
from tests.api.asking import Ask, ids, problem, walk
from tests.conftest import PostKinde, at

LISTS = ["customers", "plans", "subscriptions", "payments", "usage", "events"]

pytestmark = pytest.mark.django_db

NAMES = [
    "customer 1",
    "a/b",
    "100%",
    "50%2F",
    "~",
    "~2F",
    "~organization:x",
    "..",
    ".",
    "…ü\U0001f600",
    "a\\b?c#d&e;f",
    "\n",
    "a+b@example.org",
]


def assign(post_kinde: PostKinde, name: str, **more: Any) -> None:
    post_kinde("customer.plan_assigned", {"customer_id": name, "plan": {"code": "pro"}, **more})


def test_list__newest_first(ask: Ask, data: None) -> None:
    answer = ask("customers/")

    assert ids(answer) == ["customer_bob", "customer_ada"]
    assert answer.json()["next"] is None
    assert answer.json()["results"][0]["plan"] == "pro"


@pytest.mark.parametrize("name", NAMES)
def test_row__whatever_the_id_holds(ask: Ask, post_kinde: PostKinde, name: str) -> None:
    assign(post_kinde, name)
    told = ask("customers/").json()["results"][0]
    answer = ask(f"customers/{told['provider']}/{told['id']}/")

    assert answer.status_code == 200
    assert answer.json() == told
    assert told["external_id"] == name


def test_row__by_an_id_that_was_escaped_as_usual(ask: Ask, post_kinde: PostKinde) -> None:
    assign(post_kinde, "é b@c")

    assert ask("customers/kinde/%C3%A9%20b@c/").json()["external_id"] == "é b@c"


def test_row__of_an_organisation_keeps_its_address(ask: Ask, post_kinde: PostKinde) -> None:
    organization = {"organization": {"code": "org_1"}}
    post_kinde("customer.plan_assigned", {**organization, "plan": {"code": "pro"}})
    assert ids(ask("customers/")) == ["~organization:org_1"]
    assign(post_kinde, "customer_1", **organization)

    assert ids(ask("customers/")) == ["customer_1"]
    assert ask("customers/kinde/~organization:org_1/").json()["id"] == "customer_1"


def test_row__that_nothing_names(ask: Ask) -> None:
    row = Customer.objects.create(provider="kinde")
    (name,) = ids(ask("customers/"))

    assert name == f"~row:{row.pk}"
    assert ask(f"customers/kinde/{name}/").json()["id"] == name


@pytest.mark.parametrize(
    "address",
    [
        "customers/kinde/nobody/",
        "customers/billabear/customer_ada/",
        "customers/kinde/%00/",
        "customers/kin%00de/customer_ada/",
        "customers/kinde/~/",
        "customers/kinde/~FF/",
        "customers/kinde/~00/",
        "customers/kinde/~ED~A0~80/",
        "customers/kinde/~organization:customer_ada/",
        "customers/kinde/~row:0/",
        "customers/kinde/~row:99999999999999999999/",
        "customers/kinde/~row:x/",
        "customers/kinde/~row:-1/",
        "customers/kinde/~row:²/",
        f"customers/kinde/{'x' * 3000}/",
        f"customers/kinde/{'~C3~BC' * 300}/",
        f"customers/{'x' * 3000}/customer_ada/",
        "customers/kinde/%25/",
        "customers/kinde/%FF/",
        "customers/kinde/%20/",
        "customers/kinde/%2e%2e/",
        "customers/kinde/CUSTOMER_ADA/",
        "customers/kinde/customer_ada%20/",
        "customers/kinde/~name:pro/",
        "subscriptions/kinde/~row:1/",
        "subscriptions/kinde/~/",
        "events/1/",
        "events/00000000-0000-0000-0000-000000000000/",
    ],
)
def test_row__not_there(ask: Ask, post_kinde: PostKinde, address: str) -> None:
    assign(post_kinde, "customer_ada")

    assert problem(ask(address), 404) == "not_found"


@pytest.mark.parametrize("ordering", ["newest", "oldest"])
def test_pages__each_row_once(ask: Ask, post_kinde: PostKinde, ordering: str) -> None:
    for number in range(5):
        assign(post_kinde, f"customer_{number}")
    found = walk(ask, "customers/", limit=2, ordering=ordering)

    expected = [f"customer_{number}" for number in range(5)]
    assert found == (expected if ordering == "oldest" else expected[::-1])


def test_pages__keep_their_filters(ask: Ask, data: None, post_kinde: PostKinde) -> None:
    assign(post_kinde, "customer_eve")
    found = walk(ask, "customers/", limit=1, provider="kinde", ordering="oldest")

    assert found == ["customer_ada", "customer_bob", "customer_eve"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"provider": "kinde"}, ["customer_bob", "customer_ada"]),
        ({"provider": "billabear"}, []),
        ({"external_id": "customer_ada"}, ["customer_ada"]),
        ({"external_id": "customer_ada "}, []),
        ({"external_id": "Customer_ada"}, []),
        ({"email": "bob@example.org"}, ["customer_bob"]),
        ({"updated_since": "2001-01-01T00:00:00Z"}, ["customer_ada", "customer_bob"]),
        ({"updated_since": "2999-01-01T00:00:00+01:00"}, []),
    ],
)
def test_filters(ask: Ask, data: None, query: dict[str, str], found: list[str]) -> None:
    assert ids(ask("customers/", **query)) == found


def test_updated_since__misses_none_at_the_boundary(ask: Ask, data: None) -> None:
    for name, time in {"customer_ada": "10:00", "customer_bob": "10:01"}.items():
        Customer.objects.filter(external_id=name).update(updated_at=at(time))
    first, last = ask("customers/", updated_since="2001-01-01T00:00:00Z").json()["results"]
    assert ids(ask("customers/", updated_since=last["updated_at"])) == [last["id"]]
    Customer.objects.get(external_id=first["external_id"]).save()

    assert ids(ask("customers/", updated_since=last["updated_at"])) == [last["id"], first["id"]]


def test_cursor__of_another_list_or_order_is_none(ask: Ask, data: None) -> None:
    following = ask("customers/", limit=1).json()["next"]
    cursor = parse_qs(urlsplit(following).query)["cursor"][0]

    assert ask("customers/", cursor=cursor).status_code == 200
    for path, query in (("plans/", {}), ("events/", {}), ("customers/", {"ordering": "oldest"})):
        answer = ask(path, cursor=cursor, **query)
        assert problem(answer, 400) == "invalid_parameter"
        assert answer.json()["errors"][0]["parameter"] == "cursor"


def test_cursor__of_a_row_that_is_gone_is_a_place_all_the_same(ask: Ask, data: None) -> None:
    following = ask("customers/", limit=1).json()["next"]
    Customer.objects.filter(external_id="customer_bob").delete()

    assert ids(ask(following)) == ["customer_ada"]


@pytest.mark.parametrize("time", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"])
def test_updated_since__at_the_ends_of_time(ask: Ask, data: None, time: str) -> None:
    assert len(ids(ask("customers/", updated_since=time))) == (2 if time < "2" else 0)


def test_etag__is_of_what_is_told(ask: Ask, data: None) -> None:
    address = "customers/kinde/customer_ada/"
    tag = ask(address).headers["ETag"]
    for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        answer = ask(address, headers={"If-None-Match": known})
        assert (answer.status_code, answer.content, answer.headers["ETag"]) == (304, b"", tag)
    Customer.objects.filter(external_id="customer_ada").update(email="new@example.org")

    assert ask(address, headers={"If-None-Match": tag}).status_code == 200


def test_answers__are_for_one_reader(ask: Ask, data: None) -> None:
    for address in ("customers/", "customers/kinde/customer_ada/", "customers/kinde/nobody/"):
        assert ask(address).headers["Cache-Control"] == "private, no-cache"


def queries(ask: Ask, address: str, **query: Any) -> int:
    with CaptureQueriesContext(
        connection,
    ) as found:
        assert ask(address, **query).status_code == 200
    return len(found)


@pytest.mark.django_db(transaction=True)
def test_lists__cost_the_same_whatever_is_on_them(ask: Ask, data: None) -> None:
    costs = {path: [queries(ask, f"{path}/", limit=limit) for limit in (1, 200)] for path in LISTS}

    # The session, its user, and the page: a superuser's permissions need no query.
    assert costs == {path: [3, 3] for path in LISTS}
