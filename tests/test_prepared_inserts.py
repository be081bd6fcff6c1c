"""A row whose INSERT is compiled once is the row that the ORM would have saved."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.db import IntegrityError, connection, transaction
from django.db.models import DateTimeField, Value

from billing_webhooks import compiled, inserting
from billing_webhooks.database import DatabaseTime
from billing_webhooks.models import WebhookEvent
from tests.conftest import at

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def nothing_compiled(monkeypatch: pytest.MonkeyPatch) -> dict[Any, Any]:
    """What is compiled in a test is compiled by the test, and for it alone."""
    statements: dict[Any, Any] = {}
    monkeypatch.setattr(compiled, "_kept", statements)
    return statements


def event(number: int, **values: Any) -> WebhookEvent:
    defaults: dict[str, Any] = {
        "provider": "kinde",
        "external_id": f"Event_{number}",
        "mailbox": "kinde:customer:Ünïcode ",
        "occurred_at": at("10:30:05"),
        "received_at": at("10:31"),
        "body": bytes(range(256)),
        "headers": {"user-agent": "%s 'quoted'"},
        "changes": [{"at": at("10:30")}],
        "next_attempt_at": at("10:32"),
    }
    return WebhookEvent(**defaults | values)


def stored(row: WebhookEvent) -> dict[str, Any]:
    [values] = WebhookEvent.objects.filter(pk=row.pk).values()
    return {name: value for name, value in values.items() if name not in {"id", "external_id"}}


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"body": b"", "idempotency_key": None, "last_error": "%s", "deliveries": 7},
        {"state": "quarantined", "next_attempt_at": None},
        {"attempt_began_at": at("10:33"), "confirmation": b"{}", "only_receiver": "a.b "},
    ],
    ids=["usual", "empty", "null", "unusual"],
)
def test_row__is_the_one_that_save_makes(values: dict[str, Any]) -> None:
    # Twice, because the second is not compiled any more.
    for row in (event(1, **values), event(2, **values)):
        inserting.insert("default", row)
        saved = event(3, **values)
        saved.save(force_insert=True)
        assert stored(row) == stored(saved)


def test_statement__is_compiled_once_for_rows_of_one_kind(
    nothing_compiled: dict[Any, Any],
) -> None:
    for number in range(3):
        inserting.insert("default", event(number, next_attempt_at=DatabaseTime()))
    assert len(nothing_compiled) == 1
    inserting.insert("default", event(3, next_attempt_at=None))
    assert len(nothing_compiled) == 2


def test_body__is_sealed(settings: Any) -> None:
    settings.BILLING_WEBHOOKS_ENCRYPTION_KEYS = [Fernet.generate_key()]
    row = event(1, body=b"secret")
    inserting.insert("default", row)
    assert WebhookEvent.objects.get().opened_body == b"secret"
    settings.BILLING_WEBHOOKS_ENCRYPTION_KEYS = []
    assert b"secret" not in bytes(WebhookEvent.objects.get().body)


def test_time_of_the_database__is_told_anew_for_each_row() -> None:
    times: list[datetime | None] = []
    for number in range(2):
        row = event(number, next_attempt_at=DatabaseTime())
        inserting.insert("default", row)
        times.append(WebhookEvent.objects.get(pk=row.pk).next_attempt_at)
    first, second = times
    assert first is not None
    assert second is not None
    assert at("00:00") < first <= second


def test_expression_with_a_value_of_its_own__is_left_to_the_orm() -> None:
    for number, minute in enumerate(("10:40", "10:41")):
        moment = Value(at(minute), output_field=DateTimeField())
        row = event(number, next_attempt_at=moment)
        inserting.insert("default", row)
        assert WebhookEvent.objects.get(pk=row.pk).next_attempt_at == at(minute)


def test_constraint__is_told_as_save_tells_it() -> None:
    inserting.insert("default", event(1, idempotency_key="same"))
    with pytest.raises(IntegrityError), transaction.atomic():
        inserting.insert("default", event(2, idempotency_key="same"))
    assert connection.is_usable()
