"""Nobody changes anything, and nobody sees what they may not."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission, User
from django.db import models
from django.test import Client
from django.urls import reverse

from billing_webhooks.models import Customer, WebhookEvent
from tests.admin_pages.conftest import every_model
from tests.admin_pages.pages import list_url, page_url, queries_of, text_of
from tests.once import on_one_database

on_one_database()

pytestmark = pytest.mark.django_db


@every_model
def test_list__needs_view_permission(client: Client, model: type[models.Model]) -> None:
    client.force_login(User.objects.create_user("nobody", is_staff=True))

    assert client.get(list_url(model)).status_code == 403


@every_model
def test_page__viewer_without_payload(
    client: Client, viewer: User, data: None, model: type[models.Model]
) -> None:
    assert client.get(page_url(model._default_manager.all()[0])).status_code == 200


@every_model
@pytest.mark.parametrize("page", ["add", "change", "delete"])
def test_post__refused(
    client: Client, superuser: User, data: None, model: type[models.Model], page: str
) -> None:
    args = [] if page == "add" else [model._default_manager.all()[0].pk]
    url = reverse(f"admin:billing_webhooks_{model._meta.model_name}_{page}", args=args)

    assert client.post(url, {"post": "yes"}).status_code == 403


@every_model
def test_delete_action__not_there(
    client: Client, superuser: User, data: None, model: type[models.Model]
) -> None:
    keys = [row.pk for row in model._default_manager.all()]
    client.post(list_url(model), {"action": "delete_selected", "_selected_action": keys})

    assert model._default_manager.count() == len(keys)


def test_customer_page__without_permission_no_payments(
    client: Client, viewer: User, data: None
) -> None:
    viewer.user_permissions.remove(Permission.objects.get(codename="view_payment"))
    html = text_of(client, page_url(Customer.objects.get(provider="kinde")))

    assert "field-invoices" in html
    assert "field-payments" not in html


def test_payload__hidden_without_permission(client: Client, viewer: User, data: None) -> None:
    event = WebhookEvent.objects.filter(provider="billabear")[0]
    html = text_of(client, page_url(event))

    assert "billing_webhooks.view_payload" in html
    assert "no contact" not in html.partition("field-payload")[2]
    assert "body_text" not in html


def test_payload__not_even_read_without_permission(
    client: Client, viewer: User, data: None
) -> None:
    url = page_url(WebhookEvent.objects.all()[0])

    assert not [sql for sql in queries_of(client, url) if '"body"' in sql]


def test_payload__shown_with_permission(client: Client, viewer: User, data: None) -> None:
    viewer.user_permissions.add(Permission.objects.get(codename="view_payload"))
    html = text_of(client, page_url(WebhookEvent.objects.filter(provider="billabear")[0]))

    assert "field-payload_json" in html
    assert "field-body_text" in html
    assert "billing_webhooks.view_payload" not in html
