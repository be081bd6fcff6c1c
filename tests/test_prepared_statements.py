"""Statements that PostgreSQL prepares, as its driver can be told, end in the same rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from billing_webhooks.models import WebhookEvent
from billing_webhooks.sweeping import sweep
from tests.conftest import PostKinde, at
from tests.snapshots import snapshot

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(
        connection.vendor != "postgresql",
        reason="only psycopg prepares statements: tried in the run on PostgreSQL",
    ),
]

ADA = {"customer_id": "customer_ada", "agreement_id": "a_1", "plan": {"code": "pro"}}
PAID = {**ADA, "amount": "9.90", "currency": "EUR"}


@contextmanager
def binding(server_side: bool) -> Iterator[None]:
    """Let one session bind at the server, and prepare what it sends a second time, or neither."""
    options = connection.settings_dict["OPTIONS"]
    usual = dict(options)
    options.update(server_side_binding=server_side, prepare_threshold=1 if server_side else None)
    connection.close()
    try:
        yield
    finally:
        connection.settings_dict["OPTIONS"] = usual
        connection.close()


@pytest.fixture
def receive(settings: Any, post_kinde: PostKinde) -> Callable[[], None]:
    """Return what receives the same each time: some events one by one, and some at once."""

    def received() -> None:
        for dispatch in ("inline", "deferred"):
            settings.BILLING_WEBHOOKS_DISPATCH = dispatch
            for name in (f"{dispatch}_{number}" for number in (1, 1, 2, 3, 4)):
                paid = {**PAID, "payment_id": f"payment_{name}"}
                claims = {"event_id": f"event_{name}", "occurred_at": at("10:30")}
                post_kinde("customer.payment_succeeded", paid, **claims)
        sweep()

    return received


def test_prepared_statements__end_in_the_same_rows(receive: Callable[[], None]) -> None:
    seen = []
    for server_side in (False, True):
        with binding(server_side):
            receive()
            assert (prepared() > 0) is server_side
            seen.append((snapshot(), [each.outcome for each in WebhookEvent.objects.all()]))
            call_command("flush", interactive=False, verbosity=0)
    assert seen[0] == seen[1]
    assert seen[0][1] == ["applied"] * 8


def prepared() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_prepared_statements")
        return int(cursor.fetchone()[0])
