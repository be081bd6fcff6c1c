"""Whose a customer is, and all that these users have, on the customer's page."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from billing_webhooks.access.together import together
from billing_webhooks.explaining import explain
from billing_webhooks.models import Customer, CustomerLink
from tests.admin_pages.conftest import ADA
from tests.admin_pages.pages import page_url, text_of
from tests.admin_pages.people import linking_url, section_of, staff, subscribe
from tests.conftest import PostBillaBear, PostKinde
from tests.once import on_one_database

on_one_database()

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada() -> User:
    return User.objects.create_user("ada", "ada@example.org")


@pytest.fixture
def both(ada: User, post_kinde: PostKinde, post_billabear: PostBillaBear) -> list[Customer]:
    """Customers of both providers, of one user, of whom the second has nothing."""
    first = subscribe(post_kinde)
    post_billabear("customer_created", customer={"id": ADA, "email": "ada@example.org"})
    second = Customer.objects.get(provider="billabear")
    for customer in (first, second):
        customer.link(ada)
    return [first, second]


def users(client: Client, customer: Customer) -> str:
    return section_of(text_of(client, page_url(customer)), "users")


def test_users__both_providers_side_by_side(
    client: Client, superuser: User, both: list[Customer], ada: User
) -> None:
    first, second = both
    html = users(client, second)

    assert page_url(first) in html
    assert "billabear: ada@example.org (this page)" in html
    assert explain(ada).reason in html
    assert "of 2 customers together" in html
    assert reverse("admin:auth_user_change", args=[ada.pk]) in html


def test_together__is_what_explain_says(both: list[Customer], ada: User) -> None:
    bob = User.objects.create_user("bob")
    both[1].link(bob)
    found = together([ada.pk, bob.pk], 10)

    for user in (ada, bob):
        answer, told = found[user.pk].answer, explain(user)
        assert (answer.granted, answer.rule, answer.until, answer.subscription_id) == (
            told.granted,
            told.rule,
            told.until,
            told.subscription_id,
        )
    assert [share.customer for share in found[ada.pk].shares] == both
    assert [bool(share.answer) for share in found[ada.pk].shares] == [True, False]


def test_together__of_somebody_without_customers(ada: User) -> None:
    assert together([ada.pk], 10)[ada.pk].answer.rule == "no_customer"


def test_together__shows_some_and_asks_all(both: list[Customer], ada: User) -> None:
    found = together([ada.pk], 1)[ada.pk]
    assert (len(found.shares), found.count) == (1, 2)


def test_users__who_linked_them(client: Client, superuser: User, both: list[Customer]) -> None:
    assert "linked by hand" in users(client, both[0])
    CustomerLink.objects.update(resolver="shop.billing.whose")
    assert "linked by shop.billing.whose" in users(client, both[0])


def test_users__the_first_of_many(client: Client, superuser: User, both: list[Customer]) -> None:
    for number in range(8):
        both[0].link(User.objects.create_user(f"user {number}"))
    html = users(client, both[0])

    assert "user 3" in html
    assert "user 4" not in html
    assert "first 5 of 9 users" in html


def test_users__one_who_is_gone(client: Client, superuser: User, both: list[Customer]) -> None:
    CustomerLink.objects.update(user=4711)
    html = users(client, both[0])

    assert "User 4711, who is no longer there" in html
    assert linking_url(both[0], "unlink") not in html


@pytest.mark.parametrize(
    ("permissions", "sees", "links", "opens"),
    [
        ([], False, False, False),
        (["view_customerlink"], True, False, False),
        (["link_customer"], True, True, False),
        (["view_customerlink", "view_user"], True, False, True),
    ],
    ids=lambda value: "+".join(value) if isinstance(value, list) else "",
)
def test_users__as_permitted(
    client: Client,
    both: list[Customer],
    ada: User,
    permissions: list[str],
    sees: bool,
    links: bool,
    opens: bool,
) -> None:
    staff(client, *permissions)
    html = users(client, both[0])

    assert ("ada@example.org" in html) == sees
    assert (linking_url(both[0]) in html) == links
    assert (reverse("admin:auth_user_change", args=[ada.pk]) in html) == opens
