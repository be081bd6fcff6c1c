"""What somebody hostile sends is harmless on every page."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.urls import reverse

from billing_webhooks.admin.rendering import MAX_SHOWN
from billing_webhooks.models import Customer, Plan, Subscription, WebhookEvent
from tests.admin_pages.conftest import ADA, PAGES, agreement
from tests.admin_pages.pages import found, list_url, page_url, text_of
from tests.conftest import SECRET, PostBillaBear, PostKinde, basic

pytestmark = pytest.mark.django_db

HOSTILE = "<script>alert(1)</script>\u202e\x1b[31m" + "A" * 50_000
OVERRIDE, ESCAPE = "\u202e", "\x1b"


def test_payload__quarantined_garbage(client: Client, superuser: User) -> None:
    body = b"\xff\xfe<script>alert(1)</script>\x00" + "\u202e".encode()
    sent = client.post(
        "/webhooks/billabear", body, content_type="x/y", headers={"Authorization": basic(SECRET)}
    )
    html = text_of(client, page_url(WebhookEvent.objects.get()))

    assert sent.status_code == 400
    assert "NotUnderstood: The body is not JSON" in html
    assert r"\xff\xfe&lt;script&gt;alert(1)&lt;/script&gt;\u0000\u202e" in html


def test_payload__lone_surrogate(
    client: Client, superuser: User, post_billabear: PostBillaBear
) -> None:
    post_billabear("customer_created", customer={"id": ADA, "name": "\ud800 \U000e0001"})

    # Twice: the payload, and the bytes in which it was sent as an escape already.
    html = text_of(client, page_url(WebhookEvent.objects.get()))
    assert html.count(r"\ud800 \udb40\udc01") == 2


def test_hostile_text__harmless_on_every_page(
    client: Client, superuser: User, post_kinde: PostKinde
) -> None:
    plan = {"code": "pro", "name": HOSTILE}
    post_kinde("customer.agreement_created", agreement(plan=plan, user={"email": HOSTILE}))
    rows = [row for model in PAGES for row in model._default_manager.all()]
    pages = [text_of(client, url) for row in rows for url in (page_url(row), list_url(type(row)))]

    assert {WebhookEvent, Customer, Plan, Subscription} <= {type(row) for row in rows}
    assert not [page for page in pages if "<script>alert" in page]


def test_hostile_text__marks_visible_in_the_payload(
    client: Client, superuser: User, post_kinde: PostKinde
) -> None:
    post_kinde("customer.plan_created", {"plan": {"code": "pro", "name": HOSTILE}})
    payload = text_of(client, page_url(WebhookEvent.objects.get())).partition("field-payload")[2]

    assert OVERRIDE not in payload
    assert ESCAPE not in payload
    assert r"\u202e\u001b[31mAAA" in payload


def test_long_text__is_cut(client: Client, superuser: User, post_billabear: PostBillaBear) -> None:
    post_billabear("customer_created", customer={"id": ADA, "note": "x" * 2 * MAX_SHOWN})
    html = text_of(client, page_url(WebhookEvent.objects.get()))

    assert html.count("The rest is too long to be shown.") == 2
    assert len(html) < 3 * MAX_SHOWN


def test_page__unreadable_column(
    client: Client, superuser: User, post_billabear: PostBillaBear
) -> None:
    post_billabear("customer_created", customer={"id": ADA})
    digits = "9" * 5_000
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE billing_webhooks_webhookevent SET changes = '[{digits}]'")  # noqa: S608
        cursor.execute(f"UPDATE billing_webhooks_customer SET registers = '[{digits}]'")  # noqa: S608

    for model in (WebhookEvent, Customer):
        key = model._default_manager.values_list("pk", flat=True)[0]
        url = reverse(f"admin:billing_webhooks_{model._meta.model_name}_change", args=[key])
        assert len(found(client, model, "")) == 1
        assert client.get(url).status_code == 200
