"""What must hold for such users; `tests.linking.test_custom_users` runs this in the project."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth import get_user_model
from django.db import connections
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from billing_webhooks.access import billing_of, users_with_plan
from billing_webhooks.erasing import erase
from billing_webhooks.linking import by_email
from billing_webhooks.models import Customer, CustomerLink, WebhookEvent
from billing_webhooks.signals import customer_linked
from tests.admin_pages.pages import page_url, text_of
from tests.conftest import Connect, PostBillaBear, PostKinde
from tests.linking.conftest import Resolve
from tests.linking.conftest import resolve as resolve
from tests.people.models import Person
from tests.people.routing import BILLING

pytestmark = pytest.mark.django_db(transaction=True, databases=sorted({"default", BILLING}))

WHO = {"customer_id": "customer_1", "plan": {"code": "pro"}, "user": {"email": "ada@example.org"}}


@pytest.fixture
def ada() -> Any:
    return Person.objects.create(handle="ada", address="ada@example.org")


@pytest.fixture
def bob() -> Any:
    return Person.objects.create(handle="bob")


@pytest.fixture
def customer(ada: Person, bob: Person) -> Customer:
    """An organisation of two people."""
    customer = Customer.objects.create(provider="kinde", organization_code="org_1")
    for user in (ada, bob):
        customer.link(user)
    return customer


@pytest.fixture
def staff(client: Client) -> Client:
    client.force_login(Person.objects.create(handle="staff"))
    return client


def test_users__are_of_this_kind() -> None:
    users: Any = get_user_model()
    assert users is Person
    assert Person._meta.pk is not None
    assert Person._meta.pk.name == "key"
    assert connections[BILLING].settings_dict["NAME"]


def test_link__and_unlink(customer: Customer, ada: Person, bob: Person) -> None:
    assert not customer.link(ada)
    assert set(customer.users) == {ada, bob}
    assert customer.unlink(ada)
    assert customer.users.get() == bob


def test_resolver__links_and_tells(
    resolve: Resolve, connect: Connect, post_kinde: PostKinde, ada: Person
) -> None:
    told: list[Any] = []
    connect(customer_linked, lambda user, **_: told.append(user))
    resolve(by_email)
    post_kinde("customer.plan_assigned", WHO)

    assert WebhookEvent.objects.get().state == "processed"
    assert told == [ada]
    assert Customer.objects.get().users.get() == ada
    assert billing_of(ada).has_plan("pro")
    assert users_with_plan("pro").get() == ada


def test_user__with_customers_of_both_providers(
    post_kinde: PostKinde, post_billabear: PostBillaBear, ada: Person
) -> None:
    post_kinde("customer.plan_assigned", WHO)
    post_billabear("customer_created", customer={"id": "8d1c7f2e-1111-4222-8333-0123456789ab"})
    for customer in Customer.objects.all():
        customer.link(ada)
    assert billing_of(ada).customers.count() == 2
    assert billing_of(ada).has_plan("pro")


@pytest.mark.parametrize(
    "delete",
    [
        lambda user: user.delete(),
        lambda user: Person.objects.filter(pk=user.pk).delete(),
    ],
    ids=["instance", "query set"],
)
def test_deleted__user_takes_the_links_and_no_others(
    customer: Customer, ada: Person, bob: Person, delete: Callable[[Person], Any]
) -> None:
    _, deleted = delete(Person.objects.get(pk=ada.pk))

    assert deleted == {"people.Person": 1, "billing_webhooks.CustomerLink": 1}
    assert list(customer.users) == [bob]
    assert Customer.objects.get() == customer


def test_deleted__many_users_at_once_in_few_queries(customer: Customer) -> None:
    for number in range(30):
        customer.link(Person.objects.create(handle=f"person {number}"))
    with CaptureQueriesContext(connections[BILLING]) as captured:
        Person.objects.all().delete()

    assert not CustomerLink.objects.exists()
    links = [query["sql"] for query in captured.captured_queries if "customerlink" in query["sql"]]
    assert len(links) <= 2


def test_deleted__customer_leaves_the_users(customer: Customer) -> None:
    assert erase(customer).rows == {"Customer": 1, "CustomerLink": 2}
    assert Person.objects.count() == 2


def test_admin__asks_before_it_deletes(staff: Client, customer: Customer, ada: Person) -> None:
    url = reverse("admin:people_person_delete", args=[ada.pk])

    assert staff.get(url).status_code == 200
    assert ada in customer.users
    assert staff.post(url, {"post": "yes"}).status_code == 302
    assert ada not in customer.users
    assert customer.users.count() == 1


def test_admin__deletes_several(
    staff: Client, customer: Customer, ada: Person, bob: Person
) -> None:
    url = reverse("admin:people_person_changelist")
    chosen = {"action": "delete_selected", "_selected_action": [ada.pk, bob.pk]}

    assert staff.post(url, chosen).status_code == 200
    assert CustomerLink.objects.count() == 2
    assert staff.post(url, {**chosen, "post": "yes"}).status_code == 302
    assert not CustomerLink.objects.exists()


def test_admin__shows_the_users_of_a_customer(staff: Client, customer: Customer) -> None:
    html = text_of(staff, page_url(customer))
    assert "ada" in html
    assert "bob" in html


def test_admin__links_and_unlinks_by_name_address_and_key(
    staff: Client, customer: Customer, ada: Person
) -> None:
    customer.unlink(ada)
    link, unlink = (
        reverse(f"admin:billing_webhooks_customer_{page}", args=[customer.pk])
        for page in ("link", "unlink")
    )
    for who in ("ada", "Ada@example.org", str(ada.pk)):
        found = staff.post(link, {"who": who}).content.decode()
        assert f'name="user" value="{ada.pk}"' in found
        assert "ada@example.org" in found

    assert "is linked" in staff.post(link, {"user": ada.pk}, follow=True).content.decode()
    assert ada in customer.users
    assert "ada@example.org" in text_of(staff, f"{unlink}?user={ada.pk}")
    staff.post(unlink, {"user": ada.pk})
    assert ada not in customer.users


@pytest.mark.parametrize("key", ["1", "x", "0" * 200], ids=len)
def test_admin__takes_no_key_of_another_kind(staff: Client, customer: Customer, key: str) -> None:
    link = reverse("admin:billing_webhooks_customer_link", args=[customer.pk])
    html = staff.post(link, {"user": key}, follow=True).content.decode()
    assert "There is no such user." in html


def test_admin__page_of_a_customer_tells_of_users_and_of_one_who_is_gone(
    staff: Client, customer: Customer, ada: Person
) -> None:
    links: Any = CustomerLink.objects
    links.filter(user=ada.pk).update(user=uuid4())
    html = text_of(staff, page_url(customer))

    assert reverse("admin:people_person_change", args=[customer.users.get().pk]) in html
    assert "who is no longer there" in html
    assert "could not be shown" not in html
