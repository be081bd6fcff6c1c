"""What a project lets its people see of a payload."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils.html import strip_tags

from billing_webhooks.models import ConflictingDelivery, WebhookEvent
from tests.admin_pages.conftest import ADA
from tests.admin_pages.pages import page_url, text_of
from tests.conftest import PostBillaBear
from tests.once import on_one_database

on_one_database()

pytestmark = pytest.mark.django_db

EMAIL = "ada@example.com"


def without_email(event: WebhookEvent, payload: dict[str, Any]) -> dict[str, Any]:
    payload["customer"]["email"] = f"hidden in {event.event_type}"
    return payload


@pytest.fixture
def event(post_billabear: PostBillaBear) -> WebhookEvent:
    """A payment that is contradicted, of which both payloads hold an address."""
    for amount in (1990, 2990):
        customer = {"id": ADA, "email": EMAIL}
        post_billabear("payment_received", id=ADA, amount=amount, customer=customer)
    return WebhookEvent.objects.get()


def test_redacted__neither_payload_nor_body_shows_it(
    client: Client, superuser: User, event: WebhookEvent, settings: Any
) -> None:
    settings.BILLING_WEBHOOKS_REDACT = f"{__name__}.without_email"
    html = text_of(client, page_url(event))

    assert html.count("hidden in payment_received") == 2
    assert "2990" in html
    # The customer's own name is on the page, but nothing that was sent.
    assert f"&quot;{EMAIL}" not in html
    assert event.payload["customer"]["email"] == EMAIL


def test_without_redaction__both_are_shown(
    client: Client, superuser: User, event: WebhookEvent
) -> None:
    html = text_of(client, page_url(event))

    assert ConflictingDelivery.objects.count() == 1
    assert strip_tags(html).count(f"&quot;email&quot;: &quot;{EMAIL}&quot;") == 2


@pytest.mark.parametrize("path", ["nowhere.redact", "tests.admin_pages.test_redaction.EMAIL"])
def test_redaction_that_cannot_be_had__nothing_is_shown(
    client: Client, superuser: User, event: WebhookEvent, settings: Any, path: str
) -> None:
    settings.BILLING_WEBHOOKS_REDACT = path
    html = text_of(client, page_url(event))

    assert "BILLING_WEBHOOKS_REDACT" in html
    assert "2990" not in html


def test_without_the_permission__no_contradiction_is_shown(
    client: Client, viewer: User, event: WebhookEvent
) -> None:
    assert "2990" not in text_of(client, page_url(event))


@pytest.mark.parametrize(("who", "lines"), [("superuser", 1), ("viewer", 0)])
def test_look_at_a_payload__is_a_line_in_the_log(
    client: Client,
    event: WebhookEvent,
    request: pytest.FixtureRequest,
    caplog: pytest.LogCaptureFixture,
    who: str,
    lines: int,
) -> None:
    user = request.getfixturevalue(who)
    with caplog.at_level(logging.INFO, "billing_webhooks.admin"):
        caplog.clear()
        client.get(page_url(event))
        client.get("/admin/billing_webhooks/webhookevent/no-such-event/change/")

    told = [f"User {user.pk} looked at the payload of event {event.pk}."] * lines
    assert [each for each in caplog.messages if "looked" in each] == told
