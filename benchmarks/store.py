"""The database that is measured: emptied, kept, and made anew between two measurements."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import psycopg
from django.apps import apps
from django.core.management.color import no_style
from django.db import connection, connections

from benchmarks.bench import Bench
from benchmarks.in_process import Endpoint
from benchmarks.posts import Post
from billing_webhooks.models import KeptText, WebhookEvent

KEPT = "kept"
COMPANIONS = ("", "-wal", "-shm")


def empty() -> None:
    """Leave nothing in the tables of the app but the keys, which processes remember."""
    models = apps.get_app_config("billing_webhooks").get_models()
    tables = [model._meta.db_table for model in models if model is not KeptText]
    statements = connection.ops.sql_flush(no_style(), tables, allow_cascade=True)
    connection.ops.execute_sql_flush(statements)


def fill(posts: Sequence[Post]) -> None:
    """Have nothing in the database but these events, accepted and not worked."""
    empty()
    endpoint = Endpoint()
    for post in posts:
        endpoint.expect(200, post)


def is_anything_left() -> bool:
    """Return whether there are events that are still to be worked."""
    return WebhookEvent._base_manager.filter(state=WebhookEvent.State.PENDING).exists()


def next_mailbox() -> str:
    """Return the mailbox of the one event that is pending, as a wake-up would say it."""
    pending = WebhookEvent._base_manager.filter(state=WebhookEvent.State.PENDING)
    return pending.values_list("mailbox", flat=True).get()


def is_begun() -> bool:
    """Return whether an event has been worked."""
    return WebhookEvent._base_manager.filter(processed_at__isnull=False).exists()


def keep(bench: Bench) -> None:
    """Remember what is in the database now."""
    if bench.is_postgres:
        # As autovacuum would have done: plans are made by what is known of the tables.
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
        _remake(bench, KEPT, _name(bench))
    else:
        connections.close_all()
        shutil.copy(_path(bench), bench.directory / KEPT)


def restore(bench: Bench) -> None:
    """Have in the database what was kept, whoever is connected to it."""
    if bench.is_postgres:
        _remake(bench, _name(bench), KEPT)
        return
    connections.close_all()
    for companion in COMPANIONS:
        Path(f"{_path(bench)}{companion}").unlink(missing_ok=True)
    shutil.copy(bench.directory / KEPT, _path(bench))


def _remake(bench: Bench, name: str, template: str) -> None:
    connections.close_all()
    server = bench.url.rpartition("/")[0] + "/postgres"
    with psycopg.connect(server, autocommit=True) as session:
        session.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        session.execute(f"CREATE DATABASE {name} TEMPLATE {template}")


def _name(bench: Bench) -> str:
    return bench.url.rpartition("/")[2]


def _path(bench: Bench) -> Path:
    return Path(connection.settings_dict["NAME"])
