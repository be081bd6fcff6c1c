"""Old events lose what they said, and are still known when they are sent again."""

from __future__ import annotations

import threading
from datetime import UTC, timedelta
from io import StringIO
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.db.models import QuerySet
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from billing_webhooks import pruning
from billing_webhooks.exceptions import NotUnderstood
from billing_webhooks.models import (
    ConflictingDelivery,
    Customer,
    ReceiverRun,
    RefusalCount,
    WebhookEvent,
)
from billing_webhooks.pruning import prune
from billing_webhooks.replaying import replay
from billing_webhooks.signals import event_processed
from tests.conftest import Connect, PostBillaBear, PostKinde, at
from tests.snapshots import snapshot
from tests.test_concurrency import at_once

pytestmark = pytest.mark.django_db(transaction=True)

YEAR = timedelta(days=365)
SIGN_UP = {"customer_id": "customer_1", "agreement_id": "agreement_1", "plan": {"code": "pro"}}


def age(span: timedelta, **which: Any) -> None:
    """Let events have been received so long ago."""
    WebhookEvent.objects.filter(**which).update(received_at=timezone.now() - span)


def test_old__loses_what_it_said_and_keeps_its_row(connect: Connect, post_kinde: PostKinde) -> None:
    connect(event_processed, lambda **_: None)
    post_kinde("customer.agreement_created", SIGN_UP)
    rows = snapshot()
    age(YEAR + timedelta(hours=1))
    assert prune() == 1

    event = WebhookEvent.objects.get()
    assert (bytes(event.body), event.headers, event.changes) == (b"", {}, [])
    assert not ReceiverRun.objects.exists()
    assert (event.state, event.outcome) == ("processed", "applied")
    assert event.customer == Customer.objects.get()
    assert event.pruned_at is not None
    assert snapshot() == rows
    with pytest.raises(NotUnderstood):
        _ = event.payload


def test_sent_again__is_still_a_repeat(connect: Connect, post_kinde: PostKinde) -> None:
    calls: list[str] = []
    connect(event_processed, lambda **_: calls.append("told"))
    for _ in range(2):
        post_kinde(
            "customer.agreement_created", SIGN_UP, event_id="event_1", occurred_at=at("10:00")
        )
        prune(older_than=timedelta())
    assert WebhookEvent.objects.get().deliveries == 2
    assert calls == ["told"]


def test_young__is_left_as_it_is(post_kinde: PostKinde) -> None:
    post_kinde("customer.agreement_created", SIGN_UP)
    age(YEAR - timedelta(hours=1))
    assert prune() == 0
    assert WebhookEvent.objects.get().payload


def test_unfinished__are_left_however_old(
    post_kinde: PostKinde, post_billabear: PostBillaBear, settings: Any
) -> None:
    post_billabear("customer_created", customer=None)
    post_billabear(
        "payment_received",
        id="0b1e5c1e-0000-4000-8000-000000000031",
        customer=None,
        amount=19.99,
    )
    settings.BILLING_WEBHOOKS_DISPATCH = "deferred"
    post_kinde("customer.agreement_created", SIGN_UP)
    age(10 * YEAR)
    assert prune() == 0
    states = set(WebhookEvent.objects.values_list("state", flat=True))
    assert states == {"pending", "dead", "quarantined"}


def test_retention__is_the_setting(post_kinde: PostKinde, settings: Any) -> None:
    settings.BILLING_WEBHOOKS_RETENTION = timedelta(days=7)
    post_kinde("customer.agreement_created", SIGN_UP)
    age(timedelta(days=8))
    assert prune() == 1


def test_future__is_refused(post_kinde: PostKinde, settings: Any) -> None:
    post_kinde("customer.agreement_created", SIGN_UP)
    settings.BILLING_WEBHOOKS_RETENTION = timedelta(days=-7)
    with pytest.raises(ValueError, match="negative"):
        prune()


@pytest.fixture
def five_old(post_kinde: PostKinde) -> QuerySet[WebhookEvent]:
    for number in range(5):
        post_kinde("customer.plan_assigned", {"customer_id": f"customer_{number}"})
    age(2 * YEAR)
    return WebhookEvent.objects.order_by("pk")


def test_batches__are_told_of_and_may_be_broken_off(
    five_old: QuerySet[WebhookEvent], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pruning, "EVENTS_PER_BATCH", 2)

    def break_off(pruned: int) -> None:
        if pruned == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prune(tell=break_off)
    assert five_old.filter(pruned_at=None).count() == 1
    told: list[int] = []
    assert prune(tell=told.append) == 1
    assert told == [1]
    assert prune() == 0


def test_limit__is_where_it_ends(
    five_old: QuerySet[WebhookEvent], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pruning, "EVENTS_PER_BATCH", 2)
    told: list[int] = []
    assert prune(limit=3, tell=told.append) == 3
    assert told == [2, 3]
    assert five_old.filter(pruned_at=None).count() == 2
    assert command("--limit=1") == "Pruned 1 events.\n"


def test_same_time__is_no_reason_to_be_left(
    five_old: QuerySet[WebhookEvent], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pruning, "EVENTS_PER_BATCH", 2)
    five_old.update(received_at=at("08:00") - YEAR - YEAR)
    assert prune() == 5


def test_statements__are_as_many_for_any_number(five_old: QuerySet[WebhookEvent]) -> None:
    counts = []
    for number in (1, 4):
        with CaptureQueriesContext(connection) as queries:
            prune(limit=number)
        counts.append(len(queries))
    assert counts[0] == counts[1]


@pytest.mark.parametrize(
    ("size", "seconds", "following"),
    [(100, 0.0, 200), (100, 0.03, 100), (1000, 0.01, 1000), (1000, 0.3, 100), (20, 9.0, 10)],
)
def test_batches__take_as_long_as_a_delivery_may_wait(
    size: int, seconds: float, following: int
) -> None:
    assert pruning._next_size(size, seconds) == following


def test_two_beside_each_other__count_each_event_once(
    five_old: QuerySet[WebhookEvent], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pruning, "EVENTS_PER_BATCH", 2)
    assert sum(at_once([prune] * 4)) == 5


def test_locked__is_left_and_not_waited_for(five_old: QuerySet[WebhookEvent]) -> None:
    if not connection.features.has_select_for_update_skip_locked:
        pytest.skip("This database has no way to leave out what is locked")
    locked, released = threading.Event(), threading.Event()

    def hold() -> bool:
        with transaction.atomic():
            list(five_old.select_for_update()[:2])
            locked.set()
            return released.wait(30)

    def prune_meanwhile() -> int:
        locked.wait(10)
        try:
            return prune()
        finally:
            released.set()

    assert at_once([hold, prune_meanwhile]) == [True, 3]
    assert prune() == 2


@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite lets one wait for the other")
def test_replayed_meanwhile__is_left(five_old: QuerySet[WebhookEvent], settings: Any) -> None:
    settings.BILLING_WEBHOOKS_DISPATCH = "deferred"
    held = threading.Event()

    def replay_slowly() -> None:
        with transaction.atomic():
            replay(five_old[:1])
            held.set()
            threading.Event().wait(0.5)

    def prune_meanwhile() -> int:
        held.wait(10)
        return prune()

    assert at_once([replay_slowly, prune_meanwhile])[1] == 4
    (replayed,) = WebhookEvent.objects.filter(pruned_at=None)
    assert replayed.state == "pending"
    assert replayed.payload


def test_pruned_ones__are_not_looked_at_again(
    five_old: QuerySet[WebhookEvent],
) -> None:
    prune()
    with CaptureQueriesContext(connection) as queries:
        prune()
    table = WebhookEvent._meta.db_table
    assert len([query for query in queries.captured_queries if table in query["sql"]]) == 1


def command(*options: str) -> str:
    out = StringIO()
    call_command("billing_webhooks", "prune", *options, stdout=out)
    return out.getvalue()


def test_command(five_old: QuerySet[WebhookEvent]) -> None:
    age(timedelta(days=20), pk=five_old[0].pk)
    assert command("--older-than", "30") == "Pruned 4 events.\n"
    assert command("--older-than", "0") == "Pruned 1 events.\n"


@pytest.mark.parametrize("days", ["-1", "1.5", "soon", "36501", "9" * 30])
def test_command__wrong_input_is_told(days: str) -> None:
    with pytest.raises(CommandError, match="whole number of days from 0"):
        command(f"--older-than={days}")


def test_pruned__what_contradicts_them_goes_too(post_billabear: PostBillaBear) -> None:
    payment = str(uuid4())
    for amount in (1, 2):
        post_billabear("payment_received", id=payment, amount=amount)
    assert ConflictingDelivery.objects.count() == 1
    prune(older_than=timedelta())

    assert not ConflictingDelivery.objects.exists()


def test_counts_of_refusals__go_when_events_of_their_day_do() -> None:
    today = timezone.now().astimezone(UTC).date()
    for days in (0, 364, 366, 1000):
        RefusalCount.objects.create(
            provider="kinde",
            reason="secret",
            day=today - timedelta(days=days),
            last_at=timezone.now(),
        )
    prune()

    assert RefusalCount.objects.count() == 2
