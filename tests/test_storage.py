"""Whether PostgreSQL keeps what becomes large as `models.storage` says."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection, models
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

from billing_webhooks.models import WebhookEvent
from billing_webhooks.models.storage import STORAGE, SetStorage

on_postgresql = pytest.mark.skipif(
    connection.vendor != "postgresql", reason="Only PostgreSQL has storage parameters"
)
EXTERNAL, EXTENDED = "e", "x"


def asked(sql: str, *params: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return list(cursor.fetchall())


def options(table: str) -> list[str]:
    [[found]] = asked("SELECT reloptions FROM pg_class WHERE relname = %s", table)
    return found or []


def storage(table: str, column: str) -> object:
    sql = "SELECT attstorage FROM pg_attribute WHERE attrelid = %s::regclass AND attname = %s"
    [[found]] = asked(sql, table, column)
    return found


def model_of(operation: SetStorage) -> type[models.Model]:
    return WebhookEvent._meta.apps.get_model("billing_webhooks", operation.model_name)


def operations() -> list[Operation]:
    loader = MigrationLoader(None)
    of_app = [key for key in loader.disk_migrations if key[0] == "billing_webhooks"]
    return [each for key in of_app for each in loader.disk_migrations[key].operations]


def test_migrations__have_what_no_model_tells_of() -> None:
    found = [each for each in operations() if isinstance(each, SetStorage)]
    assert [said_by(each) for each in found] == [said_by(each) for each in STORAGE]


def said_by(operation: SetStorage) -> tuple[object, ...]:
    return operation.model_name, operation.parameters, operation.uncompressed


@on_postgresql
@pytest.mark.django_db
@pytest.mark.parametrize("operation", STORAGE, ids=lambda each: each.model_name)
def test_tables__are_stored_so(operation: SetStorage) -> None:
    table = model_of(operation)._meta.db_table
    assert {*operation.parameters} <= {*options(table)}
    assert {storage(table, name) for name in operation.uncompressed} <= {EXTERNAL}


@on_postgresql
@pytest.mark.django_db
def test_operation__is_reversible() -> None:
    state = ProjectState.from_apps(WebhookEvent._meta.apps)
    table = WebhookEvent._meta.db_table
    with connection.schema_editor() as editor:
        STORAGE[0].database_backwards("billing_webhooks", editor, state, state)
    assert (options(table), storage(table, "body")) == ([], EXTENDED)

    with connection.schema_editor() as editor:
        STORAGE[0].database_forwards("billing_webhooks", editor, state, state)
    assert options(table)
    assert storage(table, "body") == EXTERNAL


@on_postgresql
@pytest.mark.django_db
def test_body__is_not_written_again_with_the_state() -> None:
    event = WebhookEvent.objects.create(
        provider="kinde",
        mailbox="kinde:customer:1",
        occurred_at="2026-03-02T10:00Z",
        received_at="2026-03-02T10:00Z",
        body=b"1" * 2100,
    )
    before = toasted()
    WebhookEvent.objects.filter(pk=event.pk).update(state="processed", outcome="applied")
    assert before
    assert toasted() == before


def toasted() -> list[tuple[Any, ...]]:
    """Return where each part of what is kept beside the rows stands."""
    sql = "SELECT reltoastrelid::regclass::text FROM pg_class WHERE relname = %s"
    [[name]] = asked(sql, WebhookEvent._meta.db_table)
    return asked(f"SELECT chunk_id, ctid::text FROM {name}")  # noqa: S608


@on_postgresql
@pytest.mark.django_db
def test_exact_columns__have_no_second_index_for_like() -> None:
    sql = "SELECT indexdef FROM pg_indexes WHERE tablename LIKE 'billing%%'"
    doubled = [text for [text] in asked(sql) if "pattern_ops" in str(text)]
    assert not [text for text in doubled if "webhookevent" in str(text) or "mailbox" in str(text)]
