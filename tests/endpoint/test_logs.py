"""What the log says of a delivery."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from django.db import DataError, connection
from django.test import Client

from billing_webhooks.models import WebhookEvent
from billing_webhooks.testing import KindeIssuer, billabear_body, kinde_event
from tests.conftest import SECRET
from tests.endpoint.deliveries import AUTHORIZATION, BODY, CUSTOMER, send

pytestmark = pytest.mark.django_db

REFUSED: dict[str, dict[str, Any]] = {
    "no proof": {"path": "/webhooks/billabear"},
    "wrong path": {"path": "/webhooks/billabear/%0a%1b[31mfake"},
    "wrong query": {"path": "/webhooks/billabear?token=%0d%0afake"},
    "huge path": {"path": "/webhooks/billabear/" + "x" * 20_000},
    "huge header": {"path": "/webhooks/billabear", "headers": {"Authorization": "x" * 50_000}},
    "control characters": {"path": "/webhooks/billabear", "headers": {"User-Agent": "\r\n\x1b"}},
    "address": {"path": "/webhooks/billabear", "REMOTE_ADDR": "\x1b[31m\nfake"},
    "too large": {"path": "/webhooks/billabear", "CONTENT_LENGTH": "9" * 19},
    "no token": {"path": "/webhooks/kinde"},
    "compressed": {"path": "/webhooks/kinde", "headers": {"Content-Encoding": "\ngzip"}},
    "method": {"path": f"/webhooks/billabear/{SECRET}", "method": "GET"},
    "unknown alias": {"path": f"/webhooks/%0a%1b/{SECRET}"},
}


@pytest.mark.parametrize("request_", REFUSED.values(), ids=REFUSED)
def test_refused__one_short_line_in_the_log(
    client: Client, caplog: pytest.LogCaptureFixture, request_: dict[str, Any]
) -> None:
    caplog.set_level(logging.INFO)
    response = client.generic(**{"method": "POST", "data": BODY, **request_})

    assert 400 <= response.status_code < 500
    (record,) = caplog.records
    message = record.getMessage()
    assert record.levelno == logging.WARNING
    assert record.exc_info is None
    assert len(message) < 300
    assert message.isprintable()
    assert message.isascii()
    assert SECRET not in message
    assert "one@example.org" not in message
    assert not WebhookEvent.objects.exists()


FAR_AHEAD = kinde_event("customer.plan_changed", {"name": "n" * 10_000}, event_id="event_1")
FAR_AHEAD["timestamp"] = FAR_AHEAD["event_timestamp"] = "2099-01-01T00:00:00Z"

KEPT: dict[str, tuple[Any, str]] = {
    "event": (BODY, "INFO"),
    "long texts": (
        billabear_body("customer_created", customer=CUSTOMER | {"brand": "b" * 999}),
        "INFO",
    ),
    "far ahead": (FAR_AHEAD, "WARNING"),
    "no event of BillaBear's": (b"[]", "WARNING"),
    "long type": (billabear_body("t" * 10_000), "WARNING"),
    "no event of Kinde's": (FAR_AHEAD | {"event_id": None}, "ERROR"),
}


@pytest.mark.usefixtures("deferred")
@pytest.mark.parametrize(("content", "level"), KEPT.values(), ids=KEPT)
def test_kept__one_line_in_the_log(
    client: Client,
    issuer: KindeIssuer,
    caplog: pytest.LogCaptureFixture,
    content: Any,
    level: str,
) -> None:
    caplog.set_level(logging.INFO)
    alias, body = (
        ("kinde", issuer.sign(content)) if isinstance(content, dict) else ("billabear", content)
    )
    client.generic("POST", f"/webhooks/{alias}", body, headers=AUTHORIZATION)

    assert WebhookEvent.objects.count() == 1
    assert [record.levelname for record in caplog.records] == [level]


def test_could_not_be_stored__one_line_in_the_log(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    with connection.execute_wrapper(database_is_gone):
        response = send(client, b"[]")

    assert response.status_code == 503
    (record,) = caplog.records
    assert (record.levelname, record.exc_info) == ("WARNING", None)


def database_is_gone(*args: Any) -> None:
    raise DataError
