"""Customers are linked to users by the project's own code."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, Permission, User
from django.test import Client
from django.urls import reverse

from billing_webhooks.access import billing_of
from billing_webhooks.erasing import erase
from billing_webhooks.exceptions import NotAUser
from billing_webhooks.models import Customer, CustomerLink, WebhookEvent
from billing_webhooks.signals import customer_linked
from tests.admin_pages.pages import found, page_url, queries_of
from tests.conftest import Connect, PostBillaBear, PostKinde
from tests.models import Tally
from tests.test_concurrency import at_once

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def customer() -> Customer:
    return Customer.objects.create(provider="kinde", external_id="customer_1")


def test_link__is_new_once(customer: Customer, ada: User) -> None:
    assert [customer.link(ada), customer.link(ada, resolver="shop.whose")] == [True, False]
    link = CustomerLink.objects.get()
    assert (link.customer, link.user, link.resolver) == (customer, ada, "")


def test_link__of_many_at_once_is_one(connect: Connect, customer: Customer, ada: User) -> None:
    calls: list[Any] = []
    connect(customer_linked, lambda **arguments: calls.append(arguments))

    linked = at_once([lambda: customer.link(ada)] * 12)

    assert sorted(linked) == [False] * 11 + [True]
    assert len(calls) == 1
    assert CustomerLink.objects.count() == 1


def test_link__is_told_at_once(connect: Connect, customer: Customer, ada: User) -> None:
    calls: list[dict[str, Any]] = []
    connect(customer_linked, lambda **arguments: calls.append(arguments))

    customer.link(ada)
    customer.link(ada)

    assert calls == [
        {
            "signal": customer_linked,
            "sender": WebhookEvent,
            "event": None,
            "customer": customer,
            "user": ada,
            "is_replay": False,
        }
    ]


def test_link__and_what_a_receiver_writes_are_undone_together(
    connect: Connect, customer: Customer, ada: User
) -> None:
    def write_and_fail(**arguments: Any) -> None:
        Tally.objects.create(name="half done")
        raise ConnectionError

    connect(customer_linked, write_and_fail)
    with pytest.raises(ConnectionError):
        customer.link(ada)

    assert not CustomerLink.objects.exists()
    assert not Tally.objects.exists()


def test_unlink__is_news_once(customer: Customer, ada: User, bob: User) -> None:
    for user in (ada, bob):
        customer.link(user)

    assert [customer.unlink(ada), customer.unlink(ada)] == [True, False]
    assert list(customer.users) == [bob]


@pytest.mark.parametrize(
    "user", [None, "ada", 1, AnonymousUser()], ids=["None", "text", "a number", "nobody"]
)
def test_link__refuses_what_is_no_user(customer: Customer, user: Any) -> None:
    with pytest.raises(NotAUser, match=type(user).__name__):
        customer.link(user)
    with pytest.raises(NotAUser):
        customer.unlink(user)


def test_link__refuses_a_user_who_is_not_saved(customer: Customer) -> None:
    with pytest.raises(NotAUser, match="not saved"):
        customer.link(User(username="nobody yet"))


def test_link__to_a_customer_that_is_gone_is_an_error(customer: Customer, ada: User) -> None:
    gone = Customer.objects.get()
    customer.delete()
    with pytest.raises(Customer.DoesNotExist, match="load it anew"):
        gone.link(ada)


def test_users__of_an_organisation_are_many(customer: Customer, ada: User, bob: User) -> None:
    for user in (ada, bob):
        customer.link(user)
    Customer.objects.create(provider="kinde").link(User.objects.create_user("carol"))

    assert set(customer.users) == {ada, bob}
    assert customer.users.filter(username="bob").get() == bob


def test_user__with_customers_of_both_providers(
    post_kinde: PostKinde, post_billabear: PostBillaBear, ada: User
) -> None:
    post_kinde("customer.plan_assigned", {"customer_id": "customer_1", "plan": {"code": "pro"}})
    post_billabear("customer_created", customer={"id": "8d1c7f2e-1111-4222-8333-0123456789ab"})
    for customer in Customer.objects.all():
        customer.link(ada)

    assert {each.provider for each in billing_of(ada).customers} == {"kinde", "billabear"}
    assert billing_of(ada).has_plan("pro")


def test_unlinked__are_those_without_a_user(customer: Customer, ada: User) -> None:
    other = Customer.objects.create(provider="billabear")
    customer.link(ada)
    assert Customer.objects.unlinked().get() == other


def test_user__deleted_takes_the_links_and_no_others(
    customer: Customer, ada: User, bob: User
) -> None:
    for user in (ada, bob):
        customer.link(user)
    _, deleted = ada.delete()

    assert deleted["billing_webhooks.CustomerLink"] == 1
    assert list(customer.users) == [bob]
    User.objects.all().delete()
    assert not CustomerLink.objects.exists()
    assert Customer.objects.get() == customer


def test_customer__erased_takes_the_links_and_not_the_user(customer: Customer, ada: User) -> None:
    customer.link(ada)

    assert erase(customer).rows == {"Customer": 1, "CustomerLink": 1}
    assert not CustomerLink.objects.exists()
    assert User.objects.get() == ada


def test_admin__who_may_delete_users_may_delete_one_with_links(
    client: Client, customer: Customer, ada: User
) -> None:
    staff = User.objects.create_user("staff", is_staff=True)
    codenames = ("delete_user", "view_user")
    staff.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    client.force_login(staff)
    customer.link(ada)
    url = reverse("admin:auth_user_delete", args=[ada.pk])

    question = client.get(url).content.decode()
    assert "link to a user" in question.lower()
    assert "cannot" not in question
    assert CustomerLink.objects.exists()
    assert client.post(url, {"post": "yes"}).status_code == 302
    assert not CustomerLink.objects.exists()


def test_admin__loads_the_users_of_a_customer_together(
    admin_client: Client, customer: Customer
) -> None:
    counts: list[int] = []
    queries_of(admin_client, page_url(customer))
    for number in range(3):
        customer.link(User.objects.create_user(f"user {number}"))
        counts.append(len(queries_of(admin_client, page_url(customer))))
    assert counts == counts[:1] * 3


@pytest.mark.parametrize(
    ("choice", "names"), [("yes", {"one"}), ("no", {"two"}), ("?", {"one", "two"})]
)
def test_admin__filter_by_being_linked(
    admin_client: Client, ada: User, choice: str, names: set[str]
) -> None:
    for name in ("one", "two"):
        Customer.objects.create(provider="kinde", email=name)
    Customer.objects.get(email="one").link(ada)

    assert {each.email for each in found(admin_client, Customer, f"?linked={choice}")} == names
