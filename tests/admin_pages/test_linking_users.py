"""Users are linked to a customer, and unlinked, by those who may, and after they were asked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.test import Client

from billing_webhooks.models import Customer, CustomerLink
from billing_webhooks.signals import customer_linked
from tests.admin_pages.pages import list_url, page_url, text_of
from tests.admin_pages.people import linking_url, staff
from tests.conftest import Connect
from tests.once import on_one_database

on_one_database()

pytestmark = pytest.mark.django_db

Post = Callable[..., str]


@pytest.fixture
def customer() -> Customer:
    return Customer.objects.create(provider="kinde", external_id="customer_1")


@pytest.fixture
def ada() -> User:
    return User.objects.create_user("ada", "ada@example.org")


@pytest.fixture
def support(client: Client) -> User:
    return staff(client, "link_customer")


@pytest.fixture
def post(client: Client, customer: Customer, support: User) -> Post:
    def post(page: str, **data: Any) -> str:
        response = client.post(linking_url(customer, page), data, follow=True)
        assert response.status_code == 200
        return str(response.content.decode())

    return post


@pytest.mark.parametrize("who", ["ada", "Ada@Example.org", "key"])
def test_link__shows_who_was_found_first(post: Post, ada: User, who: str) -> None:
    html = post("link", who=str(ada.pk) if who == "key" else who)

    assert "Is this the right user?" in html
    assert "ada@example.org" in html
    assert f'name="user" value="{ada.pk}"' in html
    assert not CustomerLink.objects.exists()


def test_link__then_links_and_notes_it(
    post: Post, customer: Customer, ada: User, support: User, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "billing_webhooks.admin")
    html = post("link", user=ada.pk)

    assert "ada is linked, and has what this customer pays for." in html
    assert (customer.users.get(), customer.links.get().resolver) == (ada, "")
    entry = LogEntry.objects.get()
    assert (entry.user, entry.object_id, entry.is_change()) == (support, str(customer.pk), True)
    assert str(ada.pk) in entry.get_change_message()
    assert f"linked user {ada.pk} to customer {customer.pk}" in caplog.text
    assert "ada@" not in caplog.text


def test_link__twice_is_harmless(post: Post, ada: User) -> None:
    post("link", user=ada.pk)
    assert "ada was linked already." in post("link", user=ada.pk)
    assert CustomerLink.objects.count() == LogEntry.objects.count() == 1


def test_link__offers_to_unlink_who_is_linked(post: Post, customer: Customer, ada: User) -> None:
    customer.link(ada)
    html = post("link", who="ada")

    assert "This user is linked already." in html
    assert linking_url(customer, "unlink", ada) in html
    assert 'name="user"' not in html


def test_link__lets_choose_among_several(post: Post, ada: User) -> None:
    User.objects.create_user("other", "ada@example.org")
    assert post("link", who="ada@example.org").count('name="user"') == 2


@pytest.mark.parametrize(
    ("who", "answer"),
    [
        ("nobody", "Nobody has this name"),
        ("", "This field is required."),
        ("\0", "Null characters are not allowed."),
        ("9" * 200, "Nobody has this name"),
        ("x" * 255, "at most 254 characters"),
        ("<script>", "Nobody has this name"),
    ],
)
def test_link__finds_nobody(post: Post, who: str, answer: str) -> None:
    html = post("link", who=who)
    assert answer in html
    assert "<script>&" not in html


def test_link__too_many_with_one_address(post: Post) -> None:
    for number in range(21):
        User.objects.create_user(f"user {number}", "shared@example.org")
    assert "Too many have this address" in post("link", who="shared@example.org")


@pytest.mark.parametrize("page", ["link", "unlink"])
@pytest.mark.parametrize("key", ["4711", "x", "", "\0", "9" * 200, "9" * 999])
def test_key__of_nobody(post: Post, page: str, key: str) -> None:
    assert "There is no such user." in post(page, user=key)
    assert not CustomerLink.objects.exists()


def test_unlink__asks_first(client: Client, support: User, customer: Customer, ada: User) -> None:
    customer.links.create(user=ada, resolver="shop.billing.whose")
    html = text_of(client, linking_url(customer, "unlink", ada))

    assert "ada@example.org" in html
    assert "The resolver shop.billing.whose made the link." in html
    assert customer.links.exists()


def test_unlink__then_unlinks_once(post: Post, customer: Customer, ada: User) -> None:
    customer.link(ada)

    assert "ada is no longer linked to this customer." in post("unlink", user=ada.pk)
    assert "ada was not linked to this customer." in post("unlink", user=ada.pk)
    assert not customer.links.exists()
    assert LogEntry.objects.count() == 1


def test_link__undone_where_a_receiver_fails(
    post: Post, connect: Connect, ada: User, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(**_: Any) -> None:
        raise ConnectionError("<b>down</b>")

    connect(customer_linked, fail)
    html = post("link", user=ada.pk)

    assert "Nobody was linked: what hears of new links failed." in html
    assert "<b>down" not in html
    assert "ConnectionError" in caplog.text
    assert not CustomerLink.objects.exists()
    assert not LogEntry.objects.exists()


@pytest.mark.parametrize("page", ["link", "unlink"])
def test_pages__of_a_customer_that_is_gone(
    client: Client, support: User, customer: Customer, page: str
) -> None:
    url = linking_url(customer, page)
    customer.delete()
    response = client.post(url, {"user": "1"}, follow=True)

    assert response.redirect_chain == [(list_url(Customer), 302)]
    assert "merged or erased" in response.content.decode()


@pytest.mark.parametrize("page", ["link", "unlink"])
@pytest.mark.parametrize("permissions", [[], ["change_customer", "view_user"]])
def test_pages__need_the_permission(
    client: Client, customer: Customer, ada: User, page: str, permissions: list[str]
) -> None:
    staff(client, *permissions)
    url = linking_url(customer, page)

    assert client.get(url).status_code == 403
    assert client.post(url, {"user": ada.pk}).status_code == 403
    assert not CustomerLink.objects.exists()


def test_pages__need_a_token_of_the_form(customer: Customer, ada: User) -> None:
    client = Client(enforce_csrf_checks=True)
    staff(client, "link_customer")

    assert client.post(linking_url(customer), {"user": ada.pk}).status_code == 403
    assert not CustomerLink.objects.exists()


def test_pages__are_not_for_who_may_not_view_customers(
    client: Client, customer: Customer, support: User
) -> None:
    support.user_permissions.remove(*support.user_permissions.filter(codename="view_customer"))
    assert client.get(linking_url(customer)).status_code == 403


@pytest.mark.parametrize("method", ["get", "head", "put"])
def test_pages__change_nothing_by_other_methods(
    client: Client, support: User, customer: Customer, ada: User, method: str
) -> None:
    customer.link(ada)
    bob = User.objects.create_user("bob")
    for url in (linking_url(customer, "link", bob), linking_url(customer, "unlink", ada)):
        getattr(client, method)(url)

    assert customer.users.get() == ada


def test_pages__hostile_names(client: Client, support: User, customer: Customer) -> None:
    Customer.objects.update(email="<script>alert(1)</script>\u202e")
    name = "<script>alert(2)</script>\u202e" + "A" * 100
    user = User.objects.create(username=name, email="<b>")
    pages = [
        client.post(linking_url(customer), {"who": str(user.pk)}).content.decode(),
        text_of(client, linking_url(customer, "unlink", user)),
        client.post(linking_url(customer), {"user": user.pk}, follow=True).content.decode(),
        text_of(client, page_url(customer)),
    ]
    for html in pages:
        content = html.partition('id="content"')[2]
        assert "<script>alert" not in html
        assert r"&lt;/script&gt;\u202e" in content
