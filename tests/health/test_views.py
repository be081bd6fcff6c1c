"""What probes are answered: anybody, quickly, in words, and hardly ever by the database."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

import pytest
from django.db import OperationalError, connection, connections
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from billing_webhooks import health_views
from billing_webhooks.models import Heartbeat
from billing_webhooks.vitals import health
from tests.health.conftest import Received

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.health.urls")]


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that the views see, to be changed; nothing is known yet."""
    seconds = [1000.0]
    monkeypatch.setattr(health_views, "latest", health_views.Latest(lambda: seconds[0]))
    return seconds


@contextmanager
def database_away() -> Iterator[None]:
    def refuse(*_: Any) -> NoReturn:
        raise OperationalError("could not connect as shop with password hunter2")

    with connection.execute_wrapper(refuse):
        yield


def answer(client: Client, name: str) -> tuple[int, list[str]]:
    found = client.get(f"/health/{name}")
    return found.status_code, found.json()["problems"]


@pytest.mark.parametrize("path", ["live", "live/"])
def test_live__asks_nobody(client: Client, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(connections["default"].settings_dict, "ATOMIC_REQUESTS", True)
    with CaptureQueriesContext(connection) as queries, database_away():
        found = client.get(f"/health/{path}")
    assert (found.status_code, found.content, len(queries)) == (200, b"ok\n", 0)


def test_answer__that_is_not_well_is_no_error_in_the_log(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    with database_away():
        assert [answer(client, name)[0] for name in ("ready", "well")] == [503, 503]
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


@pytest.mark.parametrize("name", ["live", "ready", "well"])
def test_answer__by_get_and_head_alone_and_never_kept(client: Client, name: str) -> None:
    assert Client(enforce_csrf_checks=True).post(f"/health/{name}").status_code == 405
    found = client.head(f"/health/{name}/")
    assert (found.content, found.cookies) == (b"", {})
    assert "no-store" in found["Cache-Control"]


@pytest.mark.usefixtures("well")
def test_well__in_an_empty_inbox(client: Client) -> None:
    assert answer(client, "ready") == answer(client, "well") == (200, [])


def test_problems__are_words_and_deliveries_can_be_stored(
    client: Client, received: Received
) -> None:
    received(1, 2, 3, state="dead", processed_at=timezone.now())
    assert answer(client, "well") == (503, ["sweep", "dead"])
    assert answer(client, "ready") == (200, ["sweep", "dead"])


def test_database__away_is_not_ready(client: Client) -> None:
    with database_away():
        assert answer(client, "ready") == answer(client, "well") == (503, ["database"])


def test_settings__that_are_wrong_are_not_ready(client: Client, settings: Any) -> None:
    settings.BILLING_WEBHOOKS_PROVIDERS = []
    assert answer(client, "ready") == (503, ["settings"])


@pytest.mark.usefixtures("well")
def test_ready__asks_the_database_once_for_many(client: Client) -> None:
    with CaptureQueriesContext(connection) as queries:
        health()
    once = len(queries)
    with CaptureQueriesContext(connection) as queries:
        for name in ("ready", "well") * 10:
            answer(client, name)
    assert len(queries) == once


@pytest.mark.usefixtures("well")
def test_news__is_seconds_old_at_most(client: Client, clock: list[float]) -> None:
    assert answer(client, "well") == (200, [])
    Heartbeat.objects.all().delete()
    clock[0] += health_views.FRESH_SECONDS
    assert answer(client, "well") == (200, [])
    clock[0] += 1
    assert answer(client, "well") == (503, ["sweep"])


@pytest.mark.usefixtures("well")
def test_database__that_hangs_is_asked_by_one_and_told_in_the_end(
    clock: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    latest = health_views.latest
    meanwhile: list[tuple[str, ...]] = []

    def hang() -> tuple[str, ...]:
        for _ in range(2):
            clock[0] += 15
            meanwhile.append(latest.words())
        return ("dead",)

    assert latest.words() == ()
    clock[0] += 6
    monkeypatch.setattr(health_views, "found_now", hang)
    assert latest.words() == ("dead",)
    assert meanwhile == [(), ("unknown",)]
