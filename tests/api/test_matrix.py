"""Who may do what to whose: every person, endpoint, object and method, as one table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from billing_webhooks.api.urls import urlpatterns
from billing_webhooks.models import WebhookEvent
from tests.api.asking import asking
from tests.once import on_one_database

on_one_database()

pytestmark = pytest.mark.django_db

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
OWNERS = ("ada", "bob")
SIGNED_IN = {"ada", "bob", "staff", "viewer", "operator", "root"}
VIEWERS = {"viewer", "root"}
EVENT_VIEWERS = {"viewer", "operator", "root"}
OPERATORS = {"operator", "root"}


@dataclass(frozen=True)
class Endpoint:
    """
    An address of what is somebody's, who may look there, and who may do what is done there.

    `done` is the answer to a POST by those. What is `mine` others are not told of.
    """

    address: str
    lookers: set[str]
    doers: frozenset[str] | set[str] = frozenset()
    done: int = 0
    mine: bool = False

    def status(self, method: str, person: str, owner: str) -> int:
        """Return what a person is answered who asks about what is the owner's."""
        if person not in self.lookers:
            return 403
        if self.doers:
            return (self.done if person in self.doers else 403) if method == "POST" else 405
        if method not in {"GET", "HEAD"}:
            return 405
        return 404 if self.mine and person != owner else 200


TABLE = {
    "customers-list": Endpoint("customers/", VIEWERS),
    "customers-retrieve": Endpoint("customers/kinde/customer_{owner}/", VIEWERS),
    "customers-explain": Endpoint("customers/kinde/customer_{owner}/explain/", VIEWERS),
    "plans-list": Endpoint("plans/", VIEWERS),
    "plans-retrieve": Endpoint("plans/kinde/pro/", VIEWERS),
    "subscriptions-list": Endpoint("subscriptions/", VIEWERS),
    "subscriptions-retrieve": Endpoint("subscriptions/kinde/agreement_{owner}/", VIEWERS),
    "payments-list": Endpoint("payments/", VIEWERS),
    "payments-retrieve": Endpoint("payments/kinde/pay_{owner}/", VIEWERS),
    "usage-list": Endpoint("usage/", VIEWERS),
    "usage-retrieve": Endpoint("usage/kinde/~event:usage_{owner}/", VIEWERS),
    "events-list": Endpoint("events/", EVENT_VIEWERS),
    "events-retrieve": Endpoint("events/{event}/", EVENT_VIEWERS),
    "events-replay": Endpoint("events/{event}/replay/", EVENT_VIEWERS, OPERATORS, 200),
    "events-release": Endpoint("events/{event}/release/", EVENT_VIEWERS, OPERATORS, 409),
    "me/customers-list": Endpoint("me/customers/", SIGNED_IN),
    "me/customers-retrieve": Endpoint("me/customers/kinde/customer_{owner}/", SIGNED_IN, mine=True),
    "me/subscriptions-list": Endpoint("me/subscriptions/", SIGNED_IN),
    "me/subscriptions-retrieve": Endpoint(
        "me/subscriptions/kinde/agreement_{owner}/", SIGNED_IN, mine=True
    ),
    "me/usage-list": Endpoint("me/usage/", SIGNED_IN),
    "me-access": Endpoint("me/access/", SIGNED_IN),
    "me-explain": Endpoint("me/explain/", SIGNED_IN),
}


def address(endpoint: Endpoint, owner: str) -> str:
    event = WebhookEvent.objects.get(external_id=f"usage_{owner}")
    return endpoint.address.format(owner=owner, event=event.pk)


def test_table__has_every_endpoint_and_no_other() -> None:
    assert {pattern.name for pattern in urlpatterns} == TABLE.keys()


@pytest.mark.parametrize("name", TABLE)
def test_matrix(people: dict[str, User | None], name: str) -> None:
    endpoint, wrong = TABLE[name], {}
    for person, user in people.items():
        client = Client()
        if user is not None:
            client.force_login(user)
        for owner in OWNERS:
            here = address(endpoint, owner)
            for method in METHODS:
                answer = asking(client)(here, method)
                expected = endpoint.status(method, person, owner)
                if answer.status_code != expected or is_told_too_much(answer, person, name):
                    wrong[person, owner, method] = (answer.status_code, expected, answer.content)
    assert not wrong


def is_told_too_much(answer: Any, person: str, name: str) -> bool:
    """Return whether an answer has the other's address, which only staff may be told."""
    may_be_told = answer.status_code == 200 and not name.startswith("me")
    strangers = {"ada", "bob"} - ({person} if answer.status_code == 200 else set())
    return not may_be_told and any(f"{each}@" in answer.content.decode() for each in strangers)


def test_matrix__who_is_no_longer_linked_is_told_nothing(people: dict[str, Any]) -> None:
    client = Client()
    client.force_login(people["ada"])
    ask = asking(client)
    people["ada"].billing_links.all().delete()

    assert ask("me/customers/kinde/customer_ada/").status_code == 404
    assert ask("me/customers/").json()["results"] == []
    assert ask("me/access/").json()["rule"] == "no_customer"


@pytest.mark.parametrize("permission", ["view_webhookevent", "replay_webhookevent"])
def test_replay__needs_both_permissions(people: dict[str, Any], permission: str) -> None:
    client, operator = Client(), people["operator"]
    operator.user_permissions.set(operator.user_permissions.filter(codename=permission))
    client.force_login(operator)
    event = WebhookEvent.objects.get(external_id="usage_ada")

    assert asking(client)(f"events/{event.pk}/replay/", "post").status_code == 403


def test_staff__without_being_staff_permissions_do_not_count(people: dict[str, Any]) -> None:
    client = Client()
    User.objects.filter(username="viewer").update(is_staff=False)
    client.force_login(people["viewer"])

    assert asking(client)("customers/").status_code == 403
