"""Where the admin's pages are, and what a browser reads there."""

from __future__ import annotations

import re
from typing import Any

from django.contrib.messages import get_messages
from django.db import connection, models
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse


def list_url(model: type[models.Model], query: str = "") -> str:
    return reverse(f"admin:billing_webhooks_{model._meta.model_name}_changelist") + query


def page_url(row: models.Model) -> str:
    return reverse(f"admin:billing_webhooks_{row._meta.model_name}_change", args=[row.pk])


def text_of(client: Client, url: str) -> str:
    response = client.get(url)
    assert response.status_code == 200
    return str(response.content.decode())


def found(client: Client, model: type[models.Model], query: str) -> list[Any]:
    response = client.get(list_url(model, query))
    assert response.status_code == 200
    return list(response.context["cl"].result_list)


def queries_of(client: Client, url: str) -> list[str]:
    with CaptureQueriesContext(connection) as captured:
        assert client.get(url).status_code == 200
    return [query["sql"] for query in captured.captured_queries]


def links_of(html: str) -> list[str]:
    return [
        link.replace("&amp;", "&") for link in re.findall(r'href="(/admin/billing_w[^"]*)"', html)
    ]


def confirm(client: Client, asked: Any, **more: Any) -> Any:
    """Send the form of a confirmation page, if `asked` is one, and return the answer."""
    if "address" not in (asked.context or {}):
        return asked
    form = asked.context["form"]
    hidden = {field.name: field.value() for field in form.hidden_fields()}
    return client.post(asked.context["address"], {**hidden, **more})


def messages_of(response: Any) -> list[str]:
    return [str(message) for message in get_messages(response.wsgi_request)]
