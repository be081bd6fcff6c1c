"""The actions that give rows as files: who may, what is in them, and who is told of it."""

from __future__ import annotations

import asyncio
import json
import logging
import re
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import Permission, User
from django.db import connections, models
from django.http import StreamingHttpResponse
from django.test import AsyncClient, Client

from billing_webhooks.models import Customer, WebhookEvent
from tests.admin_pages.conftest import every_model
from tests.admin_pages.pages import list_url, text_of

pytestmark = pytest.mark.django_db

ACROSS = {"select_across": 1}


def ask(client: Client, model: type[models.Model], *, query: str = "", **data: Any) -> Any:
    """Post the action for the first row, and what else is said of it."""
    key = model._default_manager.order_by("pk")[0].pk
    first = {"action": "export_json", "_selected_action": [str(key)], "select_across": 0}
    return client.post(list_url(model, query), {**first, **data})


def downloaded(client: Client, model: type[models.Model], **data: Any) -> str:
    answer = ask(client, model, export_confirmed=1, **data)
    assert isinstance(answer, StreamingHttpResponse)
    return answer.getvalue().decode()


def permit(user: User, *names: str) -> None:
    user.user_permissions.add(*Permission.objects.filter(codename__in=names))


@every_model
def test_export__of_every_list(
    client: Client, superuser: User, data: None, model: type[models.Model]
) -> None:
    page = ask(client, model, index=0).content.decode()
    rows = json.loads(downloaded(client, model, **ACROSS))

    assert "<strong>1</strong>" in page
    assert len(rows) == model._default_manager.count()
    assert downloaded(client, model, action="export_csv").count("\r\n") == 2


def test_export__of_all_on_the_current_filter(client: Client, superuser: User, data: None) -> None:
    text = downloaded(client, WebhookEvent, query="?provider=kinde", **ACROSS)
    page = ask(client, WebhookEvent, query="?provider=kinde", index=0, **ACROSS)

    assert {row["provider"] for row in json.loads(text)} == {"kinde"}
    assert "<strong>4</strong>" in page.content.decode()


def test_export__headers(client: Client, superuser: User, data: None) -> None:
    answer = ask(client, Customer, export_confirmed=1, export_format="csv")
    answer.getvalue()

    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert "no-store" in answer["Cache-Control"]
    name = r'attachment; filename="customer-\d{8}-\d{6}\.csv"'
    assert re.fullmatch(name, answer["Content-Disposition"])


def test_confirmation__says_what_and_how(client: Client, superuser: User, data: None) -> None:
    html = ask(client, WebhookEvent, index=0).content.decode()

    assert "<code>customer_external_id</code>" in html
    assert 'value="json" checked' in html
    assert 'name="export_payloads"' in html
    assert 'name="export_payloads"' not in ask(client, Customer, index=0).content.decode()


def test_export__not_without_the_permission(client: Client, viewer: User, data: None) -> None:
    assert "Export as CSV" not in text_of(client, list_url(Customer))
    assert "columns" not in ask(client, Customer, index=0).context
    assert not ask(client, Customer, export_confirmed=1).streaming

    permit(viewer, "export_rows")
    assert "Export as CSV" in text_of(client, list_url(Customer))
    assert ask(client, Customer, export_confirmed=1).streaming


def test_payloads__for_those_who_may_see_them(client: Client, viewer: User, data: None) -> None:
    permit(viewer, "export_rows")
    refused = downloaded(client, WebhookEvent, export_payloads=1, **ACROSS)
    page = ask(client, WebhookEvent, index=0).content.decode()
    permit(viewer, "view_payload")
    shown = downloaded(client, WebhookEvent, export_payloads=1, **ACROSS)

    assert "grace@example.com" not in refused
    assert "payload" not in json.loads(refused)[0]
    assert "export_payloads" not in page
    assert "grace@example.com" in shown
    assert "payload" not in json.loads(downloaded(client, WebhookEvent, **ACROSS))[0]


def test_payloads__not_where_the_redaction_cannot_be_had(
    client: Client, superuser: User, data: None, settings: Any
) -> None:
    settings.BILLING_WEBHOOKS_REDACT = "nowhere.redact"

    assert ask(client, WebhookEvent, export_confirmed=1, export_payloads=1).status_code == 302
    assert "BILLING_WEBHOOKS_REDACT" in text_of(client, list_url(WebhookEvent))


def test_export__is_logged_by_ids_alone(
    client: Client, superuser: User, data: None, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "billing_webhooks.admin")
    query = "?q=grace@example.com"
    downloaded(client, Customer, query=query)
    downloaded(client, WebhookEvent, query=query, export_payloads=1, **ACROSS)
    said = [each.getMessage() for each in caplog.records if each.name == "billing_webhooks.admin"]

    key = Customer.objects.order_by("pk")[0].pk
    assert said == [
        f"User {superuser.pk} exports customer as json, without payloads: {key}.",
        f"User {superuser.pk} exports webhookevent as json, with payloads: all that a list has.",
    ]


@pytest.mark.parametrize("key", ["x", "\0", "9" * 40, "=1\n", "1" * 5000])
@pytest.mark.parametrize("model", [Customer, WebhookEvent])
def test_export__of_keys_that_are_none(
    client: Client, superuser: User, data: None, model: type[models.Model], key: str
) -> None:
    confirmations: list[dict[str, Any]] = [{}, {"export_confirmed": 1}]
    for confirmed in confirmations:
        answer = ask(client, model, _selected_action=[key], index=0, **confirmed)
        assert answer.status_code in (200, 302)


@pytest.mark.django_db(transaction=True)
def test_export__under_asgi(superuser: User) -> None:
    Customer.objects.create(provider="kinde", external_id="customer_1")
    client = AsyncClient()
    client.force_login(superuser)
    key = Customer.objects.get().pk
    data = {"action": "export_json", "_selected_action": [key], "export_confirmed": 1}

    async def read() -> bytes:
        answer = await client.post(list_url(Customer), data)
        found = b"".join([part async for part in answer])  # type: ignore[attr-defined]
        await sync_to_async(connections.close_all)()
        return found

    assert json.loads(asyncio.run(read()))[0]["external_id"] == "customer_1"
