"""Payloads, indented and as they were sent."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils.html import strip_tags

from billing_webhooks.admin.json_text import json_text
from billing_webhooks.models import WebhookEvent
from tests.admin_pages.conftest import ADA
from tests.admin_pages.pages import found, page_url, text_of
from tests.conftest import PostBillaBear
from tests.once import on_one_database

on_one_database()

pytestmark = pytest.mark.django_db


def test_payload__indented_and_as_sent(
    client: Client, superuser: User, post_billabear: PostBillaBear
) -> None:
    post_billabear(
        "plan_created", plan={"id": ADA, "name": "Für Größe", "trial_length_in_days": 14}
    )
    html = text_of(client, page_url(WebhookEvent.objects.get()))

    assert "\n    &quot;name&quot;: &quot;Für Größe&quot;,\n" in strip_tags(html)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({}, "{}"),
        ([], "[]"),
        ([1, [True, None]], "[\n  1,\n  [\n    true,\n    null\n  ]\n]"),
        ({"a": {"b": "ß"}, "c": 1}, '{\n  "a": {\n    "b": "ß"\n  },\n  "c": 1\n}'),
    ],
)
def test_json_text__is_indented(value: Any, text: str) -> None:
    assert json_text(value, max_lines=100) == text


def test_json_text__number_as_sent(client: Client) -> None:
    from billing_webhooks.providers.strict_json import parse

    assert json_text(parse(b"[19.90, 1E+2]").value, max_lines=9) == "[\n  19.90,\n  1E+2\n]"


def test_json_text__stops_at_its_limit() -> None:
    assert json_text([0] * 1_000_000, max_lines=2) == "[\n  0,\n…"


def test_payload__provider_removed(
    client: Client, superuser: User, data: None, settings: Any
) -> None:
    settings.BILLING_WEBHOOKS_PROVIDERS = {}

    assert "KeyError" in text_of(client, page_url(WebhookEvent.objects.all()[0]))
    assert len(found(client, WebhookEvent, "?provider=billabear")) == 3
