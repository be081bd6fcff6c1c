"""`manage.py billing_webhooks timeline`."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from billing_webhooks.models import Customer
from tests.once import on_one_database

on_one_database()

pytestmark = pytest.mark.django_db


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("billing_webhooks", "timeline", *arguments, stdout=out)
    return out.getvalue()


@pytest.mark.parametrize("name", ["customer_1", "ada@example.org", "ADA@example.org"])
def test_command__shows_whose_timeline_it_is_and_what_happened(ada: Customer, name: str) -> None:
    head, first, *rest = run(name).splitlines()
    assert head == f"#{ada.pk} ada@example.org (kinde)"
    assert first[:4].isdecimal()
    assert "customer.plan_changed of kinde: applied" in first
    assert any(line.startswith("    subscription agreement_1: status: active →") for line in rest)


def test_command__fits_into_a_hundred_columns(ada: Customer) -> None:
    ada.email = "a" * 50 + "@" + "b" * 150
    ada.save()
    assert max(map(len, run(f"#{ada.pk}").splitlines()[1:])) <= 100


def test_command__turns_pages(ada: Customer) -> None:
    first = run("customer_1", "--limit", "2")
    *_lines, last = first.splitlines()
    assert last.startswith("Older: --before ")
    second = run("customer_1", "--limit", "2", "--before", last.split()[-1])
    assert "agreement_created" in second
    assert "agreement_created" not in first
    assert "Older" not in second


def test_command__writes_json(ada: Customer) -> None:
    page = json.loads(run("customer_1", "--json", "--limit", "1"))
    assert page["items"][0]["kind"] == "event"
    assert page["items"][0]["text"].startswith("customer.plan_changed of kinde: applied")
    assert page["next"]


def test_command__of_somebody_without_history() -> None:
    Customer.objects.create(provider="kinde", email="bob@example.org")
    assert run("bob@example.org").splitlines()[1:] == ["Nothing has happened."]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nobody"], "no such customer"),
        (["customer_1", "--provider", "billabear"], "no such customer"),
        (["customer_1", "--before", "x"], "no cursor"),
        (["customer_1", "--limit", "0"], "above 0"),
    ],
)
def test_command__refuses(ada: Customer, arguments: list[str], message: str) -> None:
    with pytest.raises(CommandError, match=message):
        run(*arguments)
