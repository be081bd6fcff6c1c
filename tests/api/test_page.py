"""The page of the API says what there is: its answers, codes, reasons, filters and orders."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from billing_webhooks.api import addresses
from billing_webhooks.api.documenting import TITLES
from billing_webhooks.api.incomplete import PROBLEM
from billing_webhooks.api.problems import Code
from billing_webhooks.api.throttling import RATES
from billing_webhooks.models import WebhookEvent
from billing_webhooks.replaying import Reason
from tests.api.asking import asking
from tests.once import on_one_database

on_one_database()

PAGE = (Path(__file__).parent.parent.parent / "docs" / "api.md").read_text()
ANSWER = re.compile(r"^    \$ (curl .*)\n((?:    .*\n)+)", re.MULTILINE)
SHOP = "https://shop.example.com"
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z")
# For replays of one receiver alone, which the API does not offer.
OF_A_RECEIVER = {Reason.PENDING, Reason.NEVER_APPLIED, Reason.SUCCEEDED, Reason.NOT_LISTENING}


def table(*header: str) -> list[list[str]]:
    """Return the rows of the table that begins with these columns."""
    start = PAGE.index(f"| {' | '.join(header)}")
    lines = PAGE[start:].split("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in re.split(r"(?<!`) ?\| ", line)[1:]] for line in lines]


def names(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def lists() -> Iterator[tuple[str, Any]]:
    for pattern in addresses.urlpatterns:
        if str(pattern.name).endswith("-list"):
            yield f"{str(pattern.name).removesuffix('-list')}/", vars(pattern.callback)["cls"]


def without_times(told: Any) -> Any:
    """Return an answer with every time the same."""
    return json.loads(TIME.sub("a time", json.dumps(told)))


@pytest.mark.django_db
@pytest.mark.parametrize(("command", "told"), ANSWER.findall(PAGE))
def test_answers__are_those_that_are_given(people: dict[str, Any], command: str, told: str) -> None:
    *options, url = shlex.split(command)
    event = WebhookEvent.objects.get(external_id="usage_ada")
    client = Client()
    client.force_login(people["ada" if "/me/" in url else "root"])
    address = url.removeprefix(SHOP).replace("…", str(event.pk))
    answer = asking(client)(address, "post" if "POST" in options else "get")

    assert without_times(answer.json()) == without_times(json.loads(told))


def test_codes__are_all_told() -> None:
    told = [name for row in table("status", "`code`") for name in names(row[1])]

    assert sorted(told) == sorted([*Code, PROBLEM["code"]])


def test_codes__are_of_a_status_of_the_schema() -> None:
    for told, *_ in table("status", "`code`"):
        assert {int(each) for each in re.findall(r"\d+", told)} <= {*TITLES, 415}


def test_reasons__are_all_told() -> None:
    told = {name for row in table("`reason`", "why") for name in names(row[0])}

    assert told == set(Reason) - OF_A_RECEIVER


def test_lists__have_the_filters_and_orders_of_the_table() -> None:
    told = {names(row[0])[0]: (names(row[1]), names(row[2])) for row in table("list", "filters")}
    there = {}
    for address, view in lists():
        filters = view.filterset_class.base_filters if view.filterset_class else ()
        # The one that needs a parameter comes last on the page, and first where it is there.
        orders = sorted(view.orders, key=lambda order: order.name == "updated")
        there[address] = (list(filters), [order.name for order in orders])

    assert told == there


def test_rates__are_those_of_the_page() -> None:
    staff, mine, actions = (RATES[name] for name in RATES)

    assert f"{staff.removesuffix('/min')} requests a minute for staff" in PAGE
    assert f"{mine.removesuffix('/min')} for `me/`" in PAGE
    assert f"and {actions.removesuffix('/min')} for actions" in PAGE


def test_addresses__are_all_told() -> None:
    told = {name for row in table("address below `v1/`", "who may") for name in names(row[0])}
    shown = {re.sub(r"\?.*|<|>", "", name) for name in told}
    there = {
        re.sub(r"<str:(\w+)>", r"\1", str(pattern.pattern)).removeprefix("v1/")
        for pattern in addresses.urlpatterns
    }
    events = {re.sub(r"(?<=^events/)id(?=/)", "uuid", name) for name in there}

    assert shown == events
