"""What a page costs does not grow with the table, whatever it is filtered and ordered by."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from billing_webhooks.models import (
    Customer,
    CustomerIdentity,
    Payment,
    Subscription,
    UsageRecord,
    WebhookEvent,
)
from tests.api.asking import Ask, ids
from tests.conftest import at

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(
        connection.vendor != "postgresql", reason="Others do not tell how many rows they read"
    ),
]

ROWS = 3000
# A page of 50, with what a plan reads beside it: whose rows they are, and by which name.
FEW = 120
RARE = "rare"
LONG_AGO, LATELY = at("08:00"), at("20:00")
SINCE = {"updated_since": LATELY.isoformat()}
OF_A_METER = {"customer": RARE, "meter": RARE}
ANY = [{}, {"ordering": "oldest"}, {"provider": RARE}, {"provider": RARE, "ordering": "oldest"}]
RECENT = [SINCE, {**SINCE, "provider": RARE}, {**SINCE, "ordering": "newest"}]

QUERIES: Mapping[str, list[dict[str, str]]] = {
    "customers": [
        *ANY,
        *RECENT,
        {"external_id": RARE},
        {"email": RARE},
        {"email": RARE, "ordering": "oldest"},
    ],
    "subscriptions": [
        *ANY,
        *RECENT,
        {"customer": RARE},
        {"customer": RARE, "ordering": "period_end"},
        {"status": "paused"},
        {"status": "paused", "ordering": "oldest"},
        {"status": "paused", "ordering": "period_end"},
        {"ordering": "period_end"},
    ],
    "payments": [
        *ANY,
        *RECENT,
        {"customer": RARE},
        {"customer": RARE, "ordering": "oldest"},
        {"status": "failed"},
        {"status": "failed", "ordering": "oldest"},
    ],
    "usage": [
        *ANY,
        *RECENT,
        {"customer": RARE},
        OF_A_METER,
        {**OF_A_METER, "ordering": "earliest"},
        {**OF_A_METER, "ordering": "latest"},
    ],
    "events": [
        *ANY,
        {"event_type": RARE},
        {"event_type": RARE, "ordering": "oldest"},
        {"external_id": RARE},
        {"customer": RARE},
        {"state": "dead"},
        {"state": "dead", "ordering": "oldest"},
        {"received_since": LATELY.isoformat()},
        {"received_before": LONG_AGO.isoformat()},
    ],
}
CASES = [(path, query) for path, queries in QUERIES.items() for query in queries]


def usual(number: int) -> dict[str, Any]:
    return {"provider": "kinde" if number else RARE}


@pytest.fixture
def many() -> None:
    """Many rows, of which the oldest alone is rare, and was changed last."""
    customers = Customer.objects.bulk_create(
        Customer(**usual(number), **customer(number)) for number in range(ROWS)
    )
    CustomerIdentity.objects.create(provider=RARE, kind="id", value=RARE, row=customers[0])
    details: dict[Any, Any] = {Subscription: subscription, Payment: payment, UsageRecord: usage}
    for model, of in details.items():
        model.objects.bulk_create(
            model(**usual(number), **of(number), customer=each)
            for number, each in enumerate(customers)
        )
    WebhookEvent.objects.bulk_create(
        WebhookEvent(**usual(number), **event(number), customer=each)
        for number, each in enumerate(customers)
    )
    for changed in (Customer, Subscription, Payment, UsageRecord):
        rows = changed._base_manager.all()
        rows.update(updated_at=LONG_AGO)
        rows.filter(provider=RARE).update(updated_at=LATELY)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def customer(number: int) -> dict[str, Any]:
    name = f"c{number}" if number else RARE
    return {"external_id": name, "email": name}


def subscription(number: int) -> dict[str, Any]:
    status = "active" if number else "paused"
    end = LONG_AGO + timedelta(minutes=number)
    return {"external_id": f"s{number}", "status": status, "current_period_end": end}


def payment(number: int) -> dict[str, Any]:
    status = "succeeded" if number else "failed"
    return {"identity": f"id:p{number}", "status": status, "occurred_at": LONG_AGO}


def usage(number: int) -> dict[str, Any]:
    meter = "seats" if number else RARE
    return {"identity": f"id:u{number}", "meter": meter, "occurred_at": LONG_AGO}


def event(number: int) -> dict[str, Any]:
    return {
        "event_type": "x.y" if number else RARE,
        "external_id": f"e{number}" if number else RARE,
        "mailbox": f"kinde:customer:c{number}",
        "sequence": str(number),
        "occurred_at": LONG_AGO,
        "received_at": LONG_AGO + timedelta(seconds=number),
        "body": b"{}",
        "trust": "signed",
        "state": "processed" if number else "dead",
    }


def test_page__reads_few_rows(ask: Ask, many: None) -> None:
    """One test for all of them: the rows are made once."""
    costs = {}
    for path, query in CASES:
        with Reading() as reading:
            found = ids(ask(f"{path}/", **query))
        assert found or query.get("received_since") or query.get("received_before"), (path, query)
        costs[path, str(query)] = reading.rows

    assert {case: rows for case, rows in costs.items() if rows > FEW} == {}


class Reading:
    """How many rows the statements read that are run meanwhile."""

    def __enter__(self) -> Reading:
        self.rows = 0
        self._wrapper = connection.execute_wrapper(self._look)
        self._wrapper.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._wrapper.__exit__(None, None, None)

    def _look(self, execute: Any, sql: str, params: Any, *rest: Any) -> Any:
        if sql.startswith("SELECT"):
            with connection.cursor() as cursor:
                # Not by way of this wrapper: it is no SELECT.
                cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}", params)
                (told,) = cursor.fetchone()
            told = json.loads(told) if isinstance(told, str) else told
            self.rows += sum(rows_read(node) for node in nodes(told[0]["Plan"]))
        return execute(sql, params, *rest)


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for below in plan.get("Plans", ()):
        yield from nodes(below)


def rows_read(node: dict[str, Any]) -> int:
    """Return how many rows a scan has looked at, whether they were what was looked for or not."""
    if not node["Node Type"].endswith("Scan"):
        return 0
    seen = node["Actual Rows"] + node.get("Rows Removed by Filter", 0)
    return int(node["Actual Loops"] * seen)
