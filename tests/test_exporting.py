"""Rows as files: exact, harmless to spreadsheets, and read in parts."""

from __future__ import annotations

import csv
import io
import json
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.apps import apps
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from billing_webhooks import exporting
from billing_webhooks.exporting import columns, export, safe_cell
from billing_webhooks.models import (
    Customer,
    Payment,
    ReceiverRun,
    Subscription,
    WebhookEvent,
)
from tests.admin_pages.conftest import ADA
from tests.conftest import PostBillaBear, at

pytestmark = pytest.mark.django_db


def read_csv(rows: Any, **options: Any) -> list[dict[str, str]]:
    text = "".join(export(rows, "csv", **options))
    assert text.startswith("\ufeff")
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline="")))


def read_json(rows: Any, **options: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads("".join(export(rows, "json", **options)))
    return found


@pytest.fixture
def payment() -> Payment:
    customer = Customer.objects.create(provider="kinde", external_id="customer_1")
    return Payment.objects.create(
        provider="kinde",
        identity="id:pay_1",
        external_id="pay_1",
        status="succeeded",
        customer=customer,
        amount=Decimal("-19.90"),
        currency="EUR",
        occurred_at=at("08:00") + timedelta(microseconds=1),
    )


@pytest.mark.parametrize("read", [read_csv, read_json], ids=["csv", "json"])
def test_export__tells_exactly(payment: Payment, read: Any) -> None:
    [row] = read(Payment.objects.all())

    assert row["amount"] == "-19.900000"
    assert row["occurred_at"] == "2026-03-02T08:00:00.000001Z"
    assert str(row["customer_id"]) == str(payment.customer_id)
    assert row["customer_external_id"] == "customer_1"
    assert row["subscription_external_id"] in (None, "")
    assert "registers" not in row


def test_export__json_keeps_kinds(payment: Payment) -> None:
    [row] = read_json(Customer.objects.all())

    assert row["id"] == payment.customer_id
    assert row["is_disabled"] is False
    assert row["plan_id"] is None
    assert read_csv(Customer.objects.all())[0]["is_disabled"] == "false"


@pytest.mark.parametrize("read", [read_csv, read_json], ids=["csv", "json"])
def test_export__of_nothing(read: Any) -> None:
    assert read(Customer.objects.all()) == []


@pytest.mark.parametrize("model", [*apps.get_app_config("billing_webhooks").get_models()])
def test_columns__nothing_large_and_no_secret(model: Any) -> None:
    secret = {"body", "confirmation", "headers", "changes", "registers", "last_error", "text"}
    secret |= {"keys", "arguments", "result", "idempotency_key", "content_digest"}

    assert columns(model)[0] == model._meta.pk.attname or "id" in columns(model)
    assert not secret & set(columns(model))


def test_columns__name_what_a_key_points_to() -> None:
    names = columns(ReceiverRun)

    assert names[names.index("event_id") + 1] == "event_external_id"
    assert "payload" not in columns(WebhookEvent)
    assert columns(WebhookEvent, payloads=True)[-2:] == ["payload", "payload_error"]


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("plain, text", "plain, text"),
        ("=1+1", "'=1+1"),
        ("+cmd", "'+cmd"),
        ("-cmd|' /C calc'!A0", "'-cmd|' /C calc'!A0"),
        ("@SUM(1)", "'@SUM(1)"),
        ("\t=1", "'\\t=1"),
        ("\rx", "'\\rx"),
        ("  =1", "'  =1"),
        ("\"'=1", "'\"'=1"),
        ("\n=1", "'\\n=1"),
        ("\u00a0=1", "'\\xa0=1"),
        ("\u200b=1", "'\\u200b=1"),
        ("\uff1d1+1", "'\uff1d1+1"),
        ("x;=1", "x;'=1"),
        ("-5", "-5"),
        ("-5.10", "-5.10"),
        ("+43", "+43"),
        ("-5+1", "'-5+1"),
        ("a\0b\x1b\u202e", "a\\x00b\\x1b\\u202e"),
        ("", ""),
    ],
)
def test_safe_cell(text: str, cell: str) -> None:
    assert safe_cell(text) == cell


@given(st.text(alphabet=st.sampled_from("=+-@\t\r\n '\";,a1\0\u202e\uff1d")))
def test_safe_cell__never_a_formula(text: str) -> None:
    [[cell]] = csv.reader([csv.writer(exporting._Line()).writerow([safe_cell(text)])])

    assert cell.isprintable()
    assert exporting.NUMBER.fullmatch(cell) or cell.lstrip(' "')[:1] not in tuple("=+-@")


@pytest.mark.parametrize("file_format", ["csv", "json"])
def test_export__in_parts_by_keys(file_format: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exporting, "ROWS_AT_ONCE", 10)
    Customer.objects.bulk_create(
        Customer(provider="kinde", external_id=f"c{number}", email="e" * (number % 3))
        for number in range(25)
    )
    rows = Customer.objects.order_by("-email", "pk")
    with CaptureQueriesContext(connection) as captured:
        text = "".join(export(rows, file_format))

    places = [
        text.index(
            f'{customer.external_id}"' if file_format == "json" else f",{customer.external_id},"
        )
        for customer in rows
    ]
    assert places == sorted(places)
    assert len(captured) == 3
    assert not any("OFFSET" in query["sql"] for query in captured.captured_queries)


def test_export__by_a_column_without_values(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exporting, "ROWS_AT_ONCE", 2)
    for number in range(7):
        end = at("08:00") if number % 2 else None
        Subscription.objects.create(
            provider="kinde", external_id=str(number), current_period_end=end
        )

    found = read_json(Subscription.objects.order_by("-current_period_end"))
    assert [row["external_id"] for row in found] == ["5", "3", "1", "6", "4", "2", "0"]


def test_payloads__as_they_were_sent(post_billabear: PostBillaBear) -> None:
    post_billabear(
        "payment_received", id=ADA, customer={"id": ADA}, note="\ud800=\u202e", big=10**30
    )
    text = "".join(export(WebhookEvent.objects.all(), "json", payloads=True))

    assert '"big": 1000000000000000000000000000000' in text
    assert r"\ud800=" in text
    assert text.encode()
    [row] = read_csv(WebhookEvent.objects.all(), payloads=True)
    assert row["payload"].startswith("{")
    assert row["payload_error"] == ""


def test_payloads__one_that_cannot_be_read(post_billabear: PostBillaBear) -> None:
    post_billabear("payment_received")
    post_billabear("customer_created")
    first, second = WebhookEvent.objects.order_by("id")
    WebhookEvent.objects.filter(pk=first.pk).update(body=b"[")
    WebhookEvent.objects.filter(pk=second.pk).update(pruned_at=at("08:00"))

    rows = read_json(WebhookEvent.objects.order_by("id"), payloads=True)
    assert [row["payload"] for row in rows] == [None, None]
    assert [row["payload_error"] for row in rows] == ["NotUnderstood", "pruned"]


def hidden(event: WebhookEvent, payload: dict[str, Any]) -> Any:
    return {"hidden": event.event_type}


def test_payloads__redacted(post_billabear: PostBillaBear, settings: Any) -> None:
    post_billabear("payment_received", id=ADA, customer={"id": ADA})
    settings.BILLING_WEBHOOKS_REDACT = f"{__name__}.hidden"

    [row] = read_json(WebhookEvent.objects.all(), payloads=True)
    assert row["payload"] == {"hidden": "payment_received"}


def test_payloads__not_where_the_redaction_cannot_be_had(settings: Any) -> None:
    settings.BILLING_WEBHOOKS_REDACT = "nowhere.redact"
    with pytest.raises(ImproperlyConfigured):
        export(WebhookEvent.objects.all(), "json", payloads=True)


def test_export__of_what_it_does_not_know() -> None:
    with pytest.raises(ValueError, match="csv or json"):
        export(Customer.objects.all(), "xlsx")
    with pytest.raises(ValueError, match="Only events"):
        export(Customer.objects.all(), "csv", payloads=True)
