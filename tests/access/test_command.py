"""`manage.py billing_webhooks explain`: whom it finds, and its exit status."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from billing_webhooks.models import Customer, CustomerIdentity
from tests.access import rows
from tests.access.rows import ago
from tests.once import on_one_database

on_one_database()

pytestmark = pytest.mark.django_db


def run(*arguments: str) -> tuple[int, str]:
    """Return the exit status and what was told."""
    out = StringIO()
    try:
        call_command("billing_webhooks", "explain", *arguments, stdout=out)
    except SystemExit as error:
        return int(str(error.code)), out.getvalue()
    except CommandError as error:
        return error.returncode, str(error)
    return 0, out.getvalue()


def named(code: str, **fields: Any) -> Any:
    owner = rows.customer(external_id=code, **fields)
    CustomerIdentity.objects.create(provider="kinde", kind="id", value=code, row=owner)
    return owner


@pytest.fixture
def ada() -> Any:
    """A user who is linked to a customer with the same e-mail address."""
    return rows.user(named("customer_ada", plan=rows.plan("pro"), email="ada@example.org"))


@pytest.mark.parametrize("who", ["ada", "ada@example.org", "ADA@example.org", "customer_ada"])
def test_who__is_found(ada: Any, who: str) -> None:
    status, told = run(who, "pro")
    assert status == 0
    assert told.splitlines()[0].endswith("may use pro.")


def test_who__is_found_by_number(ada: Any) -> None:
    assert run(str(ada.pk), "pro")[0] == 0
    assert run(f"#{ada.billing_links.get().customer_id}", "pro")[0] == 0


def test_status__of_a_no(ada: Any) -> None:
    status, told = run("ada", "team")
    assert status == 1
    assert told.startswith("No: ada (ada@example.org) may not use team.\n")


def test_time__moves_the_clock(ada: Any) -> None:
    Customer.objects.update(collection="failed", in_arrears_since=ago(1))
    assert run("ada", "pro", "--at", "2026-03-08T11:59Z")[0] == 0
    assert run("ada", "pro", "--at", "2026-03-08T12:00Z")[0] == 1


def test_json__is_for_a_program(ada: Any) -> None:
    status, told = run("ada", "--json")
    assert (status, json.loads(told)["granted"]) == (0, True)


@pytest.mark.parametrize(
    "arguments",
    [
        ("nobody",),
        ("",),
        ("ada", "--customer"),
        ("customer_ada", "--user"),
        ("customer_ada", "--provider", "billabear"),
        ("#999999999999999999999999",),
    ],
)
def test_who__is_not_there(ada: Any, arguments: tuple[str, ...]) -> None:
    named("customer_without_email")
    assert run(*arguments) == (2, "There is no such user or customer.")


def test_who__may_be_several(ada: Any) -> None:
    other = named("customer_of_her_firm", email="ada@example.org")
    status, told = run("ada@example.org", "pro")
    assert status == 2
    assert f"user {ada.pk} ada" in told
    assert f"#{other.pk} ada@example.org (kinde)" in told
    assert run("ada@example.org", "pro", "--user")[0] == 0


def test_plan__has_a_name(ada: Any) -> None:
    assert run("ada", "") == (2, "A plan has a name.")


def test_names__cannot_command_the_terminal(ada: Any) -> None:
    named("customer_eve", email="eve\x1b[2J@example.org")
    told = run("customer_eve")[1]
    assert "\x1b" not in told
    assert r"eve\x1b[2J@example.org" in told
