"""Events counted by the hour and the day: the right numbers, from an index alone."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from billing_webhooks.models import ReceiverRun, WebhookEvent
from billing_webhooks.overview.counting import FATES, counted, days, hours
from billing_webhooks.overview.figures import failing, undone
from billing_webhooks.rhythm import rhythm
from tests.overview.events import event

VIENNA = ZoneInfo("Europe/Vienna")
TABLE = WebhookEvent._meta.db_table
# Clocks were put forward that night, and back in the other.
SPRING = datetime(2026, 3, 29, 12, 34, tzinfo=VIENNA)
AUTUMN = datetime(2026, 10, 25, 12, 34, tzinfo=VIENNA)
ALIASES = ["kinde", "billabear"]


def random_events(now: datetime, count: int) -> list[WebhookEvent]:
    choice = random.Random(count)
    found = []
    for _ in range(count):
        state, outcome = choice.choice([*FATES.values()])
        received_at = now.astimezone(UTC) - timedelta(seconds=choice.randrange(33 * 86_400))
        fields = {"state": state, "outcome": outcome or choice.choice(["", "applied"])}
        found.append(event(received_at, choice.choice([*ALIASES, "other"]), **fields))
    return found


def fate(each: WebhookEvent) -> str:
    [found] = [
        name
        for name, (state, outcome) in FATES.items()
        if each.state == state and outcome in {None, each.outcome}
    ]
    return found


@pytest.mark.parametrize("now", [SPRING, AUTUMN], ids=["spring", "autumn"])
@pytest.mark.django_db
def test_counts__as_one_by_one(now: datetime) -> None:
    events = random_events(now, 2_000)
    WebhookEvent.objects.bulk_create(events)
    counts = counted("default", ALIASES, now)

    by_day: Counter[Any] = Counter()
    by_hour: Counter[Any] = Counter()
    for each in events:
        local = each.received_at.astimezone(VIENNA)
        by_day[each.provider, fate(each), local.date()] += 1
        by_hour[each.provider, fate(each), local.strftime("%F %H %z")] += 1
    for alias in ALIASES:
        of_hours, of_days = counts[alias]
        for name in FATES:
            dates = [span.begin.astimezone(VIENNA).date() for span in of_days.spans]
            assert of_days.by_fate[name] == tuple(by_day[alias, name, date] for date in dates)
            begun = [span.begin.astimezone(VIENNA).strftime("%F %H %z") for span in of_hours.spans]
            assert of_hours.by_fate[name] == tuple(by_hour[alias, name, hour] for hour in begun)


@pytest.mark.parametrize(("now", "length"), [(SPRING, 23), (AUTUMN, 25)], ids=["spring", "autumn"])
def test_days__from_midnight_to_midnight(now: datetime, length: int) -> None:
    spans = days(now)

    assert len(spans) == 30
    assert spans[-1].end - spans[-1].begin == timedelta(hours=length)
    assert spans[-2].end - spans[-2].begin == timedelta(hours=24)
    assert all(span.begin.astimezone(VIENNA).hour == 0 for span in spans)


def test_hours__of_the_clock_on_the_wall() -> None:
    with timezone.override("Asia/Kathmandu"):
        spans = hours(datetime(2026, 3, 2, 10, 0, tzinfo=UTC))

    assert len(spans) == 24
    # It is 15:45 there.
    assert spans[-1].begin == datetime(2026, 3, 2, 9, 15, tzinfo=UTC)
    assert spans[0].begin == datetime(2026, 3, 1, 10, 15, tzinfo=UTC)


@pytest.mark.django_db
def test_counts__without_an_alias() -> None:
    assert counted("default", [], SPRING) == {}


@pytest.mark.django_db
@pytest.mark.parametrize("count", [0, 10, 500])
def test_counts__in_one_query(count: int) -> None:
    WebhookEvent.objects.bulk_create(random_events(SPRING, count))
    with CaptureQueriesContext(connection) as captured:
        counted("default", ALIASES, SPRING)
    assert len(captured) == 1


def prepared(table: str = TABLE) -> None:
    """Let the database know how many rows there are, and which of them everybody may see."""
    statements = {
        "sqlite": f"ANALYZE {table}",
        "postgresql": f"VACUUM ANALYZE {table}",
        "mysql": f"ANALYZE TABLE {table}",
    }
    with connection.cursor() as cursor:
        cursor.execute(statements[connection.vendor])


def plans(work: Callable[[], Any]) -> list[str]:
    """Return how the database goes about each query of some work, a line for each step."""
    explain = "EXPLAIN QUERY PLAN" if connection.vendor == "sqlite" else "EXPLAIN"
    found: list[str] = []

    def look(execute: Callable[..., Any], sql: str, params: Any, *rest: Any) -> Any:
        if sql.startswith("EXPLAIN"):
            return execute(sql, params, *rest)
        with connection.cursor() as cursor:
            cursor.execute(f"{explain} {sql}", params)
            found.append("\n".join(" ".join(map(str, row)) for row in cursor.fetchall()))
        return execute(sql, params, *rest)

    with connection.execute_wrapper(look):
        work()
    return found


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("work", "steps"),
    [
        (lambda: counted("default", ALIASES, SPRING), 54),
        (lambda: rhythm("kinde", SPRING), 1),
    ],
    ids=["counts", "rhythm"],
)
def test_index__is_all_that_is_read(work: Callable[[], Any], steps: int) -> None:
    WebhookEvent.objects.bulk_create(random_events(SPRING, 5_000))
    prepared()
    [plan] = plans(work)
    reads = {
        "sqlite": "USING COVERING INDEX billing_event_of_provider",
        "postgresql": "Index Only Scan using billing_event_of_provider",
        "mysql": "Using index",
    }

    assert plan.count(reads[connection.vendor]) == steps, plan
    assert "Seq Scan" not in plan


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("state", ["pending", "dead", "quarantined"])
def test_undone__found_among_many_by_a_partial_index(state: str) -> None:
    moments = (SPRING - timedelta(minutes=number) for number in range(3_000))
    WebhookEvent.objects.bulk_create(event(moment) for moment in moments)
    WebhookEvent.objects.bulk_create(event(SPRING, state=state, outcome="") for _ in range(5))
    prepared()
    [plan] = plans(lambda: undone("default", state))

    # Pending ones have indexes of their own, which are as small.
    indexes = ("billing_event_unprocessed", "billing_event_pending", "billing_event_due")
    assert any(index in plan for index in indexes), plan


@pytest.mark.django_db(transaction=True)
def test_failing__found_among_many_by_a_partial_index() -> None:
    each = event(SPRING)
    each.save()
    ReceiverRun.objects.bulk_create(
        ReceiverRun(
            event=each,
            signal="s",
            receiver=f"shop.receiver_{number}",
            state="succeeded" if number else "failed",
        )
        for number in range(3_000)
    )
    prepared(ReceiverRun._meta.db_table)
    plan, _errors = plans(lambda: failing("default"))

    assert "billing_run_unsucceeded" in plan
