"""To look costs the same among millions: each statement finds what it asks for by an index."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from billing_webhooks import health
from billing_webhooks.metrics.standing import standing
from billing_webhooks.models import WebhookEvent
from billing_webhooks.vitals import measuring
from billing_webhooks.vitals.measuring import MOST
from tests.health.conftest import MINUTE
from tests.overview.events import event

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("well")]

TABLE = WebhookEvent._meta.db_table
HISTORY = 3000
DAY = timedelta(days=1)
ANALYZE = {"mysql": f"ANALYZE TABLE {TABLE}"}.get(connection.vendor, f"ANALYZE {TABLE}")
EXPLAIN = "EXPLAIN QUERY PLAN" if connection.vendor == "sqlite" else "EXPLAIN"


@pytest.fixture
def history(well: None, settings: Any) -> None:
    """Two aliases that have been silent for a day, and a few events in each state."""
    settings.BILLING_WEBHOOKS_DISPATCH = "celery"
    now = timezone.now()
    WebhookEvent.objects.bulk_create(
        event(now - DAY - number * MINUTE, ("kinde", "billabear")[number % 2])
        for number in range(HISTORY)
    )
    WebhookEvent.objects.bulk_create(
        event(now - 2 * DAY, state=state, outcome="", next_attempt_at=now)
        for state in ("pending", "dead", "quarantined")
        for _ in range(3)
    )
    with connection.cursor() as cursor:
        cursor.execute(ANALYZE)


def plans(work: Callable[[], Any]) -> list[tuple[str, str]]:
    """Return the statements of some work that ask for events, each with how that is done."""
    found: list[tuple[str, str]] = []

    def look(execute: Callable[..., Any], sql: str, params: Any, *rest: Any) -> Any:
        if sql.startswith("SELECT") and TABLE in sql:
            with connection.cursor() as cursor:
                cursor.execute(f"{EXPLAIN} {sql}", params)
                rows = cursor.fetchall()
            found.append((sql, "\n".join(" ".join(map(str, row)) for row in rows)))
        return execute(sql, params, *rest)

    with connection.execute_wrapper(look):
        work()
    return found


def scrape() -> None:
    standing.forget()
    list(standing.collect())


def right_indexes(sql: str) -> set[str]:
    """Return those by which the few rows that a statement asks for are found."""
    asked = sql.partition("WHERE")[2]
    if "next_attempt_at" in asked:
        return {"billing_event_due"}
    if f"LIMIT {MOST}" in asked:
        return {"billing_event_unprocessed", "billing_event_pending", "billing_event_due"}
    # Of some hundred that came last, it does not matter of whom they are.
    return {"billing_event_received", "billing_event_of_provider"}


@pytest.mark.parametrize(
    ("work", "statements"), [(health, 4 + 1 + 2 * 5), (scrape, 4 + 2 * 5)], ids=["health", "scrape"]
)
def test_statements__each_finds_events_by_an_index(
    history: None, work: Callable[[], Any], statements: int
) -> None:
    found = plans(work)
    assert len(found) == statements
    for sql, plan in found:
        assert any(index in plan for index in right_indexes(sql)), f"{sql}\n{plan}"


def test_health__counts_to_a_bound(history: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measuring, "MOST", 2)
    found = health()
    assert (found.due, found.pending, found.dead, found.quarantined) == (2, 2, 2, 2)
