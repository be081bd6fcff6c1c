"""The spans of a delivery, from the request to the commit."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from opentelemetry.trace import SpanKind, StatusCode

from billing_webhooks.models import WebhookEvent
from billing_webhooks.testing import KindeIssuer, kinde_event
from tests.conftest import PostKinde, at
from tests.tracing.spans import Spans, key_of, told

pytestmark = pytest.mark.django_db(transaction=True)

WHO = {"customer_id": "customer_1"}
TYPE = "customer.payment_succeeded"
STRANGERS = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture(autouse=True)
def _deferred(settings: Any) -> None:
    settings.BILLING_WEBHOOKS_DISPATCH = "deferred"


def test_receipt__is_part_of_the_request(spans: Spans, post_kinde: PostKinde) -> None:
    with spans.project.start_as_current_span("POST"):
        post_kinde(TYPE, WHO)
    assert spans.edges() == [
        ("", "POST"),
        ("POST", "webhook.receive"),
        ("webhook.receive", "webhook.store"),
    ]
    assert spans.one("receive").kind is SpanKind.PRODUCER


def test_receipt__tells_of_the_event(spans: Spans, post_kinde: PostKinde) -> None:
    post_kinde(TYPE, WHO)
    assert spans.one("receive").attributes == {
        "messaging.system": "billing_webhooks",
        "messaging.operation.type": "send",
        "messaging.destination.name": "kinde",
        "messaging.message.id": str(WebhookEvent.objects.get().pk),
        "billing_webhooks.event.type": TYPE,
        "billing_webhooks.stored": "new",
    }


def test_receipt__is_kept_with_the_event(spans: Spans, post_kinde: PostKinde) -> None:
    post_kinde(TYPE, WHO)
    assert WebhookEvent.objects.get().traceparent == key_of(spans.one("receive").context)


def test_header__of_the_sender_is_not_believed(
    spans: Spans, issuer: KindeIssuer, client: Client
) -> None:
    body = issuer.sign(kinde_event(TYPE, WHO))
    headers = {"traceparent": STRANGERS}
    assert client.post("/webhooks/kinde", body, "application/jwt", headers=headers).status_code
    assert spans.one("receive").parent is None
    assert WebhookEvent.objects.get().traceparent[3:35] != STRANGERS[3:35]


def test_repeated_event__is_told_without_a_row(spans: Spans, post_kinde: PostKinde) -> None:
    for _ in range(2):
        post_kinde(TYPE, WHO, event_id="event_1", occurred_at=at("10:00"))
    first, second = spans.named("receive")
    names = ("billing_webhooks.stored", "messaging.message.id")
    assert told(second, *names) == ["repeated", None]
    assert WebhookEvent.objects.get().traceparent == key_of(first.context)


def test_unreadable_event__is_told_of(spans: Spans, issuer: KindeIssuer, client: Client) -> None:
    client.post("/webhooks/kinde", issuer.sign_bytes(b"[]"), "application/jwt")
    assert told(spans.one("receive"), "billing_webhooks.stored") == ["quarantined"]


@pytest.mark.parametrize(
    ("is_down", "refused", "error", "status"),
    [
        (False, "signature", "NotProven", StatusCode.UNSET),
        (True, "keys_unavailable", "CannotVerifyNow", StatusCode.ERROR),
    ],
    ids=["forged", "no key set"],
)
def test_refusal__is_an_error_only_if_it_is_ours(
    is_down: bool,
    refused: str,
    error: str,
    status: StatusCode,
    spans: Spans,
    issuer: KindeIssuer,
    client: Client,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if is_down:
        monkeypatch.setattr(issuer, "status", 500)
    body = issuer.sign(kinde_event(TYPE, WHO))
    client.post("/webhooks/kinde", body[:-9] + b"AAAAAAAAA", "application/jwt")
    span = spans.one("receive")
    names = ("billing_webhooks.refused", "error.type", "messaging.destination.name")
    assert told(span, *names) == [refused, error, "kinde"]
    assert span.status.status_code is status


def test_spans__cost_no_statement(spans: Spans, post_kinde: PostKinde) -> None:
    post_kinde(TYPE, WHO)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        post_kinde(TYPE, WHO)
    assert len(queries) == 1
