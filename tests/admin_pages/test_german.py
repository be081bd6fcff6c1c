"""The admin in German: nothing that a page says of us is left in English."""

from __future__ import annotations

from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import pytest
from django.contrib.admin import site
from django.contrib.auth.models import User
from django.db import models
from django.test import Client
from django.utils import translation
from django.utils.text import capfirst

from billing_webhooks.admin.actions import ActsOnRows
from billing_webhooks.models import Customer, Job, ReceiverRun, WebhookEvent
from tests import messages
from tests.admin_pages.conftest import every_model
from tests.admin_pages.pages import list_url, page_url
from tests.once import on_one_database

on_one_database()

pytestmark = pytest.mark.django_db

# Names of registers, shown as they are stored: in small letters, which no heading has.
CODES = {"amount", "collection", "meter", "quantity"}


class Texts(HTMLParser):
    """The texts of a page, each between two tags, but for what is shown as in code."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: set[str] = set()
        self.is_code = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.is_code = tag == "code"

    def handle_endtag(self, tag: str) -> None:
        self.is_code = False

    def handle_data(self, data: str) -> None:
        if not self.is_code:
            self.found.add(" ".join(data.split()).removesuffix(":"))


def english() -> set[str]:
    """Return our texts of which the German ones are others, as they stand and as headings."""
    others = {
        str(each.id)
        for each in messages.stored("de")
        if each.id and str(each.id).casefold() != str(each.string).casefold()
    }
    return {*others, *map(capfirst, others)} - CODES


@pytest.fixture(autouse=True)
def _german(settings: Any, client: Client) -> Iterator[None]:
    place = settings.MIDDLEWARE.index("django.middleware.common.CommonMiddleware")
    before, after = settings.MIDDLEWARE[:place], settings.MIDDLEWARE[place:]
    settings.MIDDLEWARE = [*before, "django.middleware.locale.LocaleMiddleware", *after]
    client.defaults["HTTP_ACCEPT_LANGUAGE"] = "de"
    # A request leaves its language behind.
    with translation.override(None):
        yield


def texts_of(client: Client, url: str) -> set[str]:
    response = client.get(url)
    assert response.status_code == 200
    return Texts(response.content.decode()).found


@every_model
def test_pages__hold_no_english(
    client: Client, superuser: User, data: None, model: type[models.Model]
) -> None:
    row = model._default_manager.first()
    assert row is not None
    assert texts_of(client, list_url(model)) & english() == set()
    assert texts_of(client, page_url(row)) & english() == set()


def test_index__names_models_in_german(client: Client, superuser: User) -> None:
    found = texts_of(client, "/admin/billing_webhooks/")
    assert {"Webhook-Ereignisse", "Abonnements", "Tarife"} <= found
    assert found & english() == set()


def test_index__is_english_for_others(client: Client, superuser: User) -> None:
    client.defaults["HTTP_ACCEPT_LANGUAGE"] = "en"
    assert {"Webhook events", "Subscriptions", "Plans"} <= texts_of(
        client, "/admin/billing_webhooks/"
    ) & english()


def test_overview__holds_no_english(client: Client, superuser: User, data: None) -> None:
    found = texts_of(client, "/admin/billing_webhooks/webhookevent/overview/")
    assert {"Übersicht", "Anbieter", "Ausstehend"} <= found
    assert found & english() == set()


def test_job__tells_what_was_asked_for_in_german(client: Client, superuser: User) -> None:
    job = Job.objects.create(action="give_up", total=1)
    assert "Aufgeben" in texts_of(client, list_url(Job))
    assert "Aufgeben" in texts_of(client, page_url(job))


@pytest.mark.parametrize(
    "model", [WebhookEvent, ReceiverRun, Customer], ids=lambda each: each.__name__
)
def test_confirmations__hold_no_english(
    client: Client, superuser: User, data: None, model: type[models.Model]
) -> None:
    row = model._default_manager.all()[0]
    actions: ActsOnRows = site.get_model_admin(model)  # type: ignore[assignment]
    for action in actions.row_actions:
        found = texts_of(client, f"{actions.action_url(action.name)}?key={row.pk}")
        assert found & english() == set(), action.name


def test_customer__is_linked_in_german(client: Client, superuser: User, data: None) -> None:
    page = page_url(Customer.objects.all()[0])
    found = texts_of(client, page.replace("/change/", "/link/"))
    assert "Benutzer verknüpfen" in found
    assert found & english() == set()
