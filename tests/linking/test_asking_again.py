"""Customers whose people sign up later, at the command line, and the resolver by e-mail."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command

from billing_webhooks.linking import by_email
from billing_webhooks.models import Customer, CustomerLink
from billing_webhooks.signals import customer_linked
from tests.conftest import Connect
from tests.linking.conftest import Resolve
from tests.once import on_one_database

on_one_database()

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def customers(bob: User) -> dict[str, Customer]:
    """One who is linked, two who are not."""
    made = {
        email: Customer.objects.create(provider=provider, email=email)
        for email, provider in (
            ("ada@example.org", "kinde"),
            ("carol@example.org", "billabear"),
            ("bob@example.org", "kinde"),
        )
    }
    made["bob@example.org"].link(bob)
    return made


def command(*arguments: str) -> str:
    output = StringIO()
    call_command("billing_webhooks", "link", *arguments, stdout=output, stderr=StringIO())
    return output.getvalue()


def test_command__asks_for_those_without_a_user(
    resolve: Resolve, connect: Connect, customers: dict[str, Customer], ada: User
) -> None:
    told: list[Any] = []
    connect(customer_linked, lambda event, user, **_: told.append((event, user)))
    resolve(lambda customer, event: User.objects.filter(email=customer.email).first())

    assert "2 customers without a user: 1 have one now (1 links)" in command()
    assert list(customers[ada.email].users) == [ada]
    assert told == [(None, ada)]
    assert "1 customers without a user: 0 have" in command()


def test_command__of_one_alias(resolve: Resolve, customers: dict[str, Customer], ada: User) -> None:
    resolve(lambda customer, event: ada)
    assert "1 customers" in command("--provider", "billabear")
    assert CustomerLink.objects.get(user=ada).customer == customers["carol@example.org"]


def test_command__lists_and_asks_nobody(resolve: Resolve, customers: dict[str, Customer]) -> None:
    Customer.objects.create(provider="kinde", email="\x1b[31m")
    resolve(lambda customer, event: pytest.fail("it was asked"))

    said = command("--list", "--provider", "kinde")
    assert "ada@example.org (kinde)" in said
    assert "bob" not in said
    assert "carol" not in said
    assert "\x1b" not in said
    assert "2 customers have no user" in said


def test_command__failing_for_one_goes_on_with_the_others(
    resolve: Resolve, customers: dict[str, Customer], ada: User, caplog: pytest.LogCaptureFixture
) -> None:
    def whose(customer: Customer, event: None) -> User:
        if customer.email == ada.email:
            raise ConnectionError
        return ada

    resolve(whose)
    with pytest.raises(CommandError, match="failed for 1"):
        command()
    assert list(customers["carol@example.org"].users) == [ada]
    assert f"customer {customers[ada.email].pk}" in caplog.text


def test_command__customer_that_is_gone_meanwhile(
    resolve: Resolve, customers: dict[str, Customer], ada: User
) -> None:
    def whose(customer: Customer, event: None) -> User:
        customer.delete()
        return ada

    resolve(whose)
    assert "0 have one now" in command()
    assert not CustomerLink.objects.filter(user=ada).exists()


def test_command__without_a_resolver_says_what_to_set() -> None:
    with pytest.raises(CommandError, match="BILLING_WEBHOOKS_USER_RESOLVER"):
        command()


@pytest.mark.parametrize(
    ("users", "name"),
    [
        ([("ada", "ada@example.org", True)], "ada"),
        ([("ada", "ADA@Example.org", True)], "ada"),
        ([("ada", "ada@example.org", True), ("old", "ada@example.org", False)], "ada"),
        ([("ada", "ada@example.org", True), ("two", "Ada@example.org", True)], None),
        ([("ada", "ada@example.org", False)], None),
        ([("bob", "bob@example.org", True)], None),
        ([("ada", "\N{LATIN SMALL LETTER A WITH ACUTE}da@example.org", True)], None),
        ([("ada", "ada@example.org ", True)], None),
        ([], None),
    ],
    ids=[
        "one",
        "other case",
        "one active",
        "two",
        "inactive",
        "another",
        "accent",
        "space",
        "none",
    ],
)
def test_by_email__is_the_one_active_user(
    users: list[tuple[str, str, bool]], name: str | None
) -> None:
    for username, email, is_active in users:
        User.objects.create(username=username, email=email, is_active=is_active)

    found = by_email(Customer(email="ada@example.org"), None)
    assert getattr(found, "username", None) == name


def test_by_email__letters_that_look_alike_are_others() -> None:
    User.objects.create(username="eve", email="m\N{LATIN SMALL LETTER DOTLESS I}ke@example.org")
    User.objects.create(username="kay", email="mi\N{KELVIN SIGN}e@example.org")
    assert by_email(Customer(email="mike@example.org"), None) is None


def test_by_email__of_nobody_is_nobody() -> None:
    User.objects.create(username="without an address")
    assert by_email(Customer(email=""), None) is None


def test_by_email__can_be_named_in_the_settings(settings: Any, ada: User) -> None:
    settings.BILLING_WEBHOOKS_USER_RESOLVER = "billing_webhooks.linking.by_email"
    customer = Customer.objects.create(provider="kinde", email="Ada@example.org")
    command()
    assert list(customer.users) == [ada]
