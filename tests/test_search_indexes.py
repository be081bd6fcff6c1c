"""Whether the lists' searches, orders and filters are answered by an index on every database."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from django.contrib.admin.sites import site
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from billing_webhooks.admin.summary import neighbour
from billing_webhooks.models import (
    Customer,
    CustomerIdentity,
    Invoice,
    Mailbox,
    Payment,
    ReceiverRun,
    Subscription,
    UsageRecord,
    WebhookEvent,
)
from tests.admin_pages.pages import list_url
from tests.conftest import at

MANY = 3000
MODELS: list[Any] = [
    Customer,
    CustomerIdentity,
    Subscription,
    Payment,
    Invoice,
    UsageRecord,
    Mailbox,
    WebhookEvent,
    ReceiverRun,
]
TABLES = [model._meta.db_table for model in MODELS]
VERB = {"mysql": "ANALYZE TABLE"}.get(connection.vendor, "ANALYZE")


@pytest.fixture(scope="module")
def _rows(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """
    Thousands of rows of each kind, all different, committed once for these tests.

    The databases are told of them, which ends a transaction on MariaDB.
    """
    with django_db_blocker.unblock():
        make_rows()
        yield
        call_command("flush", interactive=False, verbosity=0)


@pytest.fixture
def many(_rows: None, db: None, client: Client) -> None:
    """Somebody who may view all of these rows."""
    client.force_login(User.objects.create_superuser("root"))


def make_rows() -> None:
    numbers = range(MANY)
    kinde = {"provider": "kinde"}
    customers = Customer.objects.bulk_create(
        Customer(**kinde, external_id=f"customer_{n}", email=f"{n:05}@example.com") for n in numbers
    )
    CustomerIdentity.objects.bulk_create(
        CustomerIdentity(**kinde, kind="id", value=f"{n:05}_customer", row=customers[n])
        for n in numbers
    )
    of_customer = [{**kinde, "customer": each} for each in customers]
    agreements = Subscription.objects.bulk_create(
        Subscription(**of_customer[n], external_id=f"{n:05}_agreement", status="active")
        for n in numbers
    )
    models: list[Any] = [Payment, Invoice, UsageRecord]
    for model in models:
        model._default_manager.bulk_create(
            model(
                **of_customer[n],
                subscription=agreements[n],
                identity=f"id:{n:05}_entry",
                occurred_at=at("08:00"),
            )
            for n in numbers
        )
    Mailbox.objects.bulk_create(Mailbox(key=f"kinde:customer:{n:05}") for n in numbers)
    events = WebhookEvent.objects.bulk_create(
        WebhookEvent(
            **of_customer[n],
            event_type=f"type_{n % 50}",
            external_id=f"{n:05}_event",
            received_at=at("08:00") + timedelta(seconds=n),
            occurred_at=at("08:00"),
            next_attempt_at=at("08:00") + timedelta(seconds=n % 7),
            state="pending" if n < 5 else "processed",
            body=b"{}",
        )
        for n in numbers
    )
    ReceiverRun.objects.bulk_create(
        ReceiverRun(event=event, signal="s", receiver="r", state="failed" if n < 5 else "succeeded")
        for n, event in enumerate(events)
    )
    with connection.cursor() as cursor:
        for table in TABLES:
            cursor.execute(f"{VERB} {table}")


def scans(work: Callable[[], Any]) -> list[str]:
    """Return the statements of some work that read all of the table they ask, with their plans."""
    explain = "EXPLAIN QUERY PLAN" if connection.vendor == "sqlite" else "EXPLAIN"
    found: list[str] = []

    def look(execute: Callable[..., Any], sql: str, params: Any, *rest: Any) -> Any:
        # What is joined to it may be read as a whole if it is small.
        asked = re.search(r"FROM .(billing_webhooks_\w+)", sql)
        if sql.startswith("SELECT") and asked:
            with connection.cursor() as cursor:
                cursor.execute(f"{explain} {sql}", params)
                plan = [tuple(map(str, row)) for row in cursor.fetchall()]
            if any(READS_ALL[connection.vendor](line, asked[1]) for line in plan):
                found.append("\n".join([sql, *map(str, plan)]))
        return execute(sql, params, *rest)

    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # It reads few rows as a whole where it could as well ask an index.
            cursor.execute("SET LOCAL enable_seqscan = off")
    with connection.execute_wrapper(look):
        work()
    return found


# An index of few rows may be read as a whole.
FEW = ("billing_event_unprocessed", "billing_event_due", "billing_run_unsucceeded")


def sqlite_reads_all(line: tuple[str, ...], table: str) -> bool:
    return line[3].startswith(f"SCAN {table}") and not line[3].endswith(FEW)


def postgresql_reads_all(line: tuple[str, ...], table: str) -> bool:
    return f"Seq Scan on {table} " in line[0]


def mysql_reads_all(line: tuple[str, ...], table: str) -> bool:
    return line[2] == table and line[3] in {"ALL", "index"}


# Whether a line of a plan says that all of a table, or of an index of it, is read.
READS_ALL = {
    "sqlite": sqlite_reads_all,
    "postgresql": postgresql_reads_all,
    "mysql": mysql_reads_all,
}


@pytest.mark.parametrize(
    ("model", "terms"),
    [
        (WebhookEvent, ["01234_event", "01234_", "01234@example.com", "01234@", "01234_customer"]),
        (ReceiverRun, ["01234_event", "01234_"]),
        (Customer, ["01234@example.com", "01234@", "01234_customer", "01234_cust", "012"]),
        (Subscription, ["01234_agreement", "01234_", "01234@"]),
        (Payment, ["01234_entry", "01234_", "01234@", "012"]),
        (Invoice, ["01234_entry", "01234_"]),
        (UsageRecord, ["01234_entry", "01234_"]),
        (Mailbox, ["kinde:customer:01234", "kinde:customer:0123"]),
    ],
    ids=lambda value: getattr(getattr(value, "_meta", None), "model_name", ""),
)
def test_search__by_an_index(client: Client, many: None, model: Any, terms: list[str]) -> None:
    for term in terms:
        found = scans(lambda term=term: client.get(list_url(model, f"?q={term}")))  # type: ignore[misc]

        assert client.get(list_url(model, f"?q={term}")).context["cl"].result_list or term == "012"
        assert not found, found[0]


@pytest.mark.parametrize(
    ("model", "queries"),
    [
        (
            WebhookEvent,
            [
                "?state__exact=dead",
                "?state__exact=pending&order=next",
                "?event_type=type_7",
                "?provider=nobody",
                "?customer__id__exact=1",
                "?external_id=01234_event",
            ],
        ),
        (ReceiverRun, ["?state__exact=failed", "?state__exact=failed&order=failed"]),
        (Customer, ["?provider=nobody"]),
        (Subscription, ["?provider=nobody", "?status__exact=paused"]),
        (Payment, ["?provider=nobody", "?status__exact=failed"]),
        (Invoice, ["?provider=nobody", "?status__exact=overdue"]),
        (UsageRecord, ["?provider=nobody"]),
    ],
    ids=lambda value: getattr(getattr(value, "_meta", None), "model_name", ""),
)
def test_filter__by_an_index(client: Client, many: None, model: Any, queries: list[str]) -> None:
    for query in queries:
        found = scans(lambda query=query: client.get(list_url(model, query)))  # type: ignore[misc]

        assert not found, found[0]


@pytest.mark.parametrize("model", [WebhookEvent, Customer, Subscription, Invoice, Mailbox])
def test_deep_page__begins_where_an_index_says(client: Client, many: None, model: Any) -> None:
    for order in site.get_model_admin(model).get_orderings(None):  # type: ignore[attr-defined]
        query = urlencode({**order.requires, "order": order.name})
        changelist = client.get(list_url(model, f"?{query}")).context["cl"]
        # In the middle: MariaDB reads a small table as a whole if most of it comes after.
        row = list(changelist.queryset[: MANY // 2])[-1]
        for side in ("after", "before"):
            cursor = changelist.keyset.cursor(row)
            url = list_url(model, f"?{query}&{side}={cursor}")
            found = scans(lambda url=url: client.get(url))  # type: ignore[misc]

            assert not found, found[0]


@pytest.mark.parametrize(("step", "sign"), [(-1, "<"), (1, ">")], ids=["before", "after"])
def test_neighbour__is_looked_for_from_where_the_event_stands(
    many: None, step: int, sign: str
) -> None:
    WebhookEvent.objects.update(customer=Customer.objects.earliest("id"))
    in_order = WebhookEvent.objects.order_by("received_at", "id")
    event = in_order[MANY // 2]
    with CaptureQueriesContext(connection) as queries:
        found = neighbour(event, step)

    assert found == in_order[MANY // 2 + step]
    # By this condition an index is entered there, and by one with OR alone at its beginning.
    [query] = queries.captured_queries
    column = connection.ops.quote_name("received_at")
    assert re.search(rf"AND \S*{column} {sign}= \S+", query["sql"])
    assert not scans(lambda: neighbour(event, step))
