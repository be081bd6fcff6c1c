"""Whether what is looked for often is found by an index, whatever the database."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.checks import run_checks
from django.core.management import call_command
from django.db import connection
from django.db.models import QuerySet

from billing_webhooks.models import WebhookEvent
from tests.conftest import PostKinde, at

pytestmark = pytest.mark.django_db(transaction=True)

MAILBOX = "kinde:customer:customer_1"
PENDING = {"customer_id": "customer_1"}
HISTORY = 3000
TABLE = WebhookEvent._meta.db_table
STATE = connection.ops.quote_name("state")
# The primary key is named differently by each database.
INDEXES = ("billing_event_pending", "billing_event_due", "PRIMARY", "_pkey", "sqlite_autoindex")
ANALYZE = {"mysql": f"ANALYZE TABLE {TABLE}"}.get(connection.vendor, f"ANALYZE {TABLE}")


@pytest.fixture
def history(settings: Any, post_kinde: PostKinde) -> None:
    """A customer with a long history, another with as long a one, and three new events."""
    settings.BILLING_WEBHOOKS_DISPATCH = "deferred"
    WebhookEvent.objects.bulk_create(
        WebhookEvent(
            provider="kinde",
            mailbox=MAILBOX if number % 2 else "kinde:customer:customer_2",
            sequence=f"event_{number}",
            occurred_at=at("08:00") + timedelta(seconds=number),
            received_at=at("08:00") + timedelta(seconds=number),
            body=b"{}",
            state="processed",
        )
        for number in range(HISTORY)
    )
    for number in range(3):
        post_kinde("customer.plan_assigned", PENDING, occurred_at=at(f"07:0{number}"))
    with connection.cursor() as cursor:
        cursor.execute(ANALYZE)


def searches(work: Callable[[], Any]) -> list[tuple[str, str]]:
    """
    Return the statements of some work that look for events by their state, each with how
    the database went about it.
    """
    explain = "EXPLAIN QUERY PLAN" if connection.vendor == "sqlite" else "EXPLAIN"
    found: list[tuple[str, str]] = []

    def look(execute: Callable[..., Any], sql: str, params: Any, *rest: Any) -> Any:
        if sql.startswith("SELECT") and TABLE in sql and STATE in sql.partition("WHERE")[2]:
            with connection.cursor() as cursor:
                cursor.execute(f"{explain} {sql}", params)
                plan = "\n".join(" ".join(map(str, row)) for row in cursor.fetchall())
            found.append((sql, plan))
        return execute(sql, params, *rest)

    with connection.execute_wrapper(look):
        work()
    return found


def test_work__finds_the_few_pending_events_by_an_index(history: None) -> None:
    found = searches(lambda: call_command("billing_webhooks", "process"))
    assert WebhookEvent.objects.filter(state="pending").count() == 0
    assert len(found) > 3
    for sql, plan in found:
        assert any(index in plan for index in INDEXES), f"{sql}\n{plan}"


@pytest.mark.parametrize(
    ("index", "queryset"),
    [
        (
            "billing_event_pending",
            WebhookEvent.objects.filter(state="pending", mailbox=MAILBOX).order_by(
                "occurred_at", "sequence"
            )[:1],
        ),
        (
            "billing_event_due",
            WebhookEvent.objects.filter(state="pending", next_attempt_at__lte=at("12:00")).order_by(
                "next_attempt_at"
            )[:100],
        ),
        (
            "billing_event_prunable",
            WebhookEvent.objects.filter(
                state="processed", pruned_at=None, received_at__lt=at("08:00")
            ).order_by("received_at")[:100],
        ),
        (
            "billing_event_unprocessed",
            WebhookEvent.objects.exclude(state="processed").order_by("-received_at", "-id")[:100],
        ),
        (
            "billing_event_of_customer",
            WebhookEvent.objects.filter(customer=1).order_by("-received_at", "-id")[:100],
        ),
    ],
    ids=["of a mailbox", "due", "to be pruned", "unprocessed", "of a customer"],
)
def test_few__are_found_by_the_index_made_for_them(
    history: None, index: str, queryset: QuerySet[WebhookEvent]
) -> None:
    assert index in queryset.explain()


@pytest.mark.skipif(connection.vendor != "postgresql", reason="Others tell of it otherwise")
def test_due__are_not_sorted_where_many_are_since_one_moment(history: None) -> None:
    WebhookEvent.objects.update(state="pending", next_attempt_at=at("07:00"))
    with connection.cursor() as cursor:
        cursor.execute(ANALYZE)
    due = WebhookEvent.objects.filter(state="pending", next_attempt_at__lte=at("08:00"))
    plan = due.order_by("next_attempt_at", "pk")[:100].explain()

    assert "billing_event_due" in plan
    assert "Sort" not in plan


def test_columns__begin_with_the_state_where_there_are_no_partial_indexes() -> None:
    with connection.cursor() as cursor:
        found = connection.introspection.get_constraints(cursor, TABLE)
    leading = [] if connection.features.supports_partial_indexes else ["state"]
    assert found["billing_event_due"]["columns"] == [*leading, "next_attempt_at", "id"]
    assert found["billing_event_of_customer"]["columns"] == ["customer_id", "received_at", "id"]
    columns = [*leading, "mailbox", "occurred_at", "sequence"]
    assert found["billing_event_pending"]["columns"] == columns


def test_check__has_nothing_to_say_of_the_models() -> None:
    assert [each for each in run_checks(databases=["default"]) if each.id == "models.W037"] == []
