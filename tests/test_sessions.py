"""Nothing of ours lives in a database session, so a pooler may lend one for each transaction."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from billing_webhooks.access import billing_of, users_with_plan
from billing_webhooks.models import Customer, WebhookEvent
from billing_webhooks.pruning import prune
from billing_webhooks.replaying import replay
from billing_webhooks.signals import event_processed
from billing_webhooks.sweeping import sweep
from tests.conftest import Connect, PostBillaBear, PostKinde, make_due
from tests.sessions import LEAVES, Session, watched

pytestmark = pytest.mark.django_db(transaction=True)

on_postgres = pytest.mark.skipif(
    connection.vendor != "postgresql",
    reason="only PostgreSQL tells what is left in a session: tried in the run on PostgreSQL",
)

AGREED = {"customer_id": "customer_ada", "agreement_id": "a_1", "plan": {"code": "pro"}}
PAID = {**AGREED, "payment_id": "payment_1", "amount": "9.90", "currency": "EUR"}
BOB = {"id": "9e1c7f2e-2222-4222-8333-0123456789ab", "email": "bob@example.org"}
COMMANDS = [
    "explain customer_ada",
    "export customer",
    "export webhookevent --format json --payloads",
    "health",
    "keys",
    "link --list",
    "process",
    "prune --older-than 90",
    "reencrypt",
    "replay --rebuild",
    "replay --provider kinde --dry-run",
    "replay --provider kinde",
    "retry --state pending",
    "timeline customer_ada",
    "erase customer_ada --no-input",
]


@pytest.fixture
def session(post_kinde: PostKinde, post_billabear: PostBillaBear) -> Iterator[Session]:
    """Watch a session in which something of both providers was received."""
    post_kinde("customer.agreement_created", AGREED)
    post_billabear("customer_created", customer=BOB)
    sweep()
    with watched(connection) as seen:
        yield seen


def nothing_left(session: Session) -> bool:
    """Return whether there were statements, and nothing is left of them."""
    left = session.left() if connection.vendor == "postgresql" else {}
    assert (session.leaving, left) == ([], {})
    return session.statements > 0


def test_receiving__leaves_nothing(session: Session, post_kinde: PostKinde) -> None:
    for said in (PAID, PAID, {**PAID, "amount": "0.90"}):
        post_kinde("customer.payment_succeeded", said, event_id="event_1")
    assert nothing_left(session)


def test_working__leaves_nothing(
    settings: Any, session: Session, post_kinde: PostKinde, connect: Connect
) -> None:
    def fail(event: WebhookEvent, **_: Any) -> None:
        if event.attempts == 1:
            raise RuntimeError

    connect(event_processed, fail)
    settings.BILLING_WEBHOOKS_DISPATCH = "deferred"
    post_kinde("customer.payment_succeeded", PAID)
    for _ in range(2):
        sweep()
        make_due()
    replay(WebhookEvent.objects.all())
    prune(older_than=timedelta())
    assert nothing_left(session)


def test_asking__leaves_nothing(session: Session, django_user_model: Any) -> None:
    user = django_user_model.objects.create_user("ada")
    Customer.objects.get(external_id="customer_ada").link(user)
    assert billing_of(user).has_plan("pro")
    assert list(users_with_plan("pro")) == [user]
    assert nothing_left(session)


@pytest.mark.parametrize("line", COMMANDS)
def test_command__leaves_nothing(
    session: Session, line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    call_command("billing_webhooks", *line.split(), stdout=StringIO(), stderr=StringIO())
    assert nothing_left(session)


@on_postgres
def test_watching__finds_what_is_left(session: Session) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '1s'")
        cursor.execute("SELECT pg_advisory_lock(7)")
        cursor.execute("LISTEN news")
        cursor.execute("PREPARE one AS SELECT 1")
    rows = WebhookEvent.objects.iterator(chunk_size=1)
    next(rows)
    assert len(session.leaving) == 5
    assert {"settings", "prepared statements", "cursors", "channels", "advisory locks"} <= set(
        session.left()
    )
    connection.close()


@pytest.mark.parametrize(
    ("sql", "leaves"),
    [
        ("SET LOCAL lock_timeout = '1s'", False),
        ("SET TRANSACTION READ ONLY", False),
        ("UPDATE x SET y = 1", False),
        ("SELECT pg_advisory_xact_lock(1)", False),
        ("SELECT set_config('a.b', 'c', true)", False),
        ("CREATE TEMP TABLE x (y int)", True),
        ("SELECT pg_try_advisory_lock(1)", True),
        ("SELECT set_config('a.b', 'c', false)", True),
    ],
)
def test_watching__knows_what_a_statement_leaves(sql: str, leaves: bool) -> None:
    assert bool(LEAVES.search(sql)) is leaves
