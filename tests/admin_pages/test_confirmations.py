"""What a provider's API said of an event, beside what was sent."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils.html import strip_tags

from billing_webhooks.encryption import Sealed
from billing_webhooks.models import WebhookEvent
from tests.admin_pages.conftest import ADA
from tests.admin_pages.pages import page_url, text_of
from tests.conftest import PostBillaBear
from tests.once import on_one_database

on_one_database()

pytestmark = pytest.mark.django_db

SAID = "by-the-api@example.org"


@pytest.fixture
def event(post_billabear: PostBillaBear) -> WebhookEvent:
    post_billabear("customer_created", customer={"id": ADA, "email": "ada@example.com"})
    confirmation = b'{"customer":{"email":"%s"}}' % SAID.encode()
    WebhookEvent.objects.update(confirmation=confirmation, trust="confirmed")
    return WebhookEvent.objects.get()


def test_confirmation__beside_the_payload(
    client: Client, superuser: User, event: WebhookEvent
) -> None:
    html = text_of(client, page_url(event))

    assert f"    &quot;email&quot;: &quot;{SAID}&quot;\n" in strip_tags(html)
    assert "ada@example.com" in html


def test_confirmation__not_without_the_permission(
    client: Client, viewer: User, event: WebhookEvent
) -> None:
    assert SAID not in text_of(client, page_url(event))


def test_confirmation__not_where_payloads_are_redacted(
    client: Client, superuser: User, event: WebhookEvent, settings: Any
) -> None:
    settings.BILLING_WEBHOOKS_REDACT = "tests.admin_pages.test_redaction.without_email"
    html = text_of(client, page_url(event))

    assert SAID not in html
    assert html.count("It is not shown, because BILLING_WEBHOOKS_REDACT is set.") == 2


def test_confirmation__that_cannot_be_opened(
    client: Client, superuser: User, event: WebhookEvent
) -> None:
    WebhookEvent.objects.update(confirmation=Sealed(b"\x00sealed:x"))

    assert "ImproperlyConfigured" in text_of(client, page_url(event))
