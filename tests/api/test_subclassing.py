"""A project's own views: ours with another permission, another way to sign in, other rows."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import path
from rest_framework.authentication import TokenAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import BasePermission

from billing_webhooks.api.billing import Customers
from billing_webhooks.api.events import Events
from billing_webhooks.models import WebhookEvent
from tests.api.asking import Ask, asking, ids, problem
from tests.once import on_one_database

on_one_database()

pytestmark = pytest.mark.django_db


class OfSupport(BasePermission):
    def has_permission(self, request: Any, view: Any) -> bool:
        return bool(request.user.groups.filter(name="support").exists())


class ByToken(TokenAuthentication):
    """The framework's, with names in the place of tokens, which need a table."""

    def authenticate_credentials(self, key: str) -> tuple[Any, str]:
        user = User.objects.filter(username=key).first()
        if user is None:
            raise AuthenticationFailed("the secret itself")
        return user, key


class SupportCustomers(Customers):
    permission_classes: Any = (OfSupport,)

    def get_queryset(self) -> Any:
        return super().get_queryset().exclude(external_id="customer_bob")


class ServiceEvents(Events):
    authentication_classes: Any = (ByToken,)


urlpatterns = [
    path("customers/", SupportCustomers.as_view({"get": "list"})),
    path("customers/<str:provider>/<str:id>/", SupportCustomers.as_view({"get": "retrieve"})),
    path("events/<str:id>/", ServiceEvents.as_view({"get": "retrieve"})),
    path("events/<str:id>/replay/", ServiceEvents.as_view({"post": "replay"})),
]


@pytest.fixture
def support(people: dict[str, Any], settings: Any) -> Ask:
    settings.ROOT_URLCONF = __name__
    people["ada"].groups.add(Group.objects.create(name="support"))
    client = Client()
    client.force_login(people["ada"])
    return asking(client)


def token(name: str) -> dict[str, str]:
    return {"Authorization": f"Token {name}"}


def test_permission__of_the_project_alone_counts(support: Ask, people: dict[str, Any]) -> None:
    stranger = Client()
    stranger.force_login(people["viewer"])

    assert ids(support("/customers/")) == ["customer_ada"]
    assert problem(asking(stranger)("/customers/"), 403) == "permission_denied"


def test_rows__of_the_project_are_all_there_are(support: Ask) -> None:
    assert support("/customers/kinde/customer_ada/").status_code == 200
    assert problem(support("/customers/kinde/customer_bob/"), 404) == "not_found"


def test_token__is_enough_for_an_action(support: Ask) -> None:
    client = Client(enforce_csrf_checks=True)
    event = WebhookEvent.objects.get(external_id="usage_ada")
    address = f"/events/{event.pk}/replay/"

    assert asking(client)(address, "post", headers=token("operator")).status_code == 200
    answer = asking(client)(address, "post", headers=token("viewer"))
    assert problem(answer, 403) == "permission_denied"


@pytest.mark.parametrize(
    ("headers", "code"),
    [({}, "not_authenticated"), (token("nobody"), "authentication_failed")],
    ids=str,
)
def test_token__that_is_missing_or_wrong_is_asked_for(
    support: Ask, headers: dict[str, str], code: str
) -> None:
    answer = asking(Client())("/events/x/", headers=headers)

    assert problem(answer, 401) == code
    assert answer.headers["WWW-Authenticate"] == "Token"
    assert "secret" not in answer.content.decode()
