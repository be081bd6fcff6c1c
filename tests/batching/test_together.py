"""Many events in one transaction: the same comes of them as one by one, at less cost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from billing_webhooks import signals, sweeping
from billing_webhooks.models import (
    Customer,
    CustomerIdentity,
    Payment,
    Plan,
    Subscription,
    WebhookEvent,
)
from billing_webhooks.processing import work
from billing_webhooks.signals import event_processed
from billing_webhooks.sweeping import sweep
from tests.batching.conftest import Post
from tests.conftest import Connect, PostKinde, at
from tests.crashes.processes import live
from tests.histories import kinde_histories
from tests.outcomes import forget, is_settled
from tests.snapshots import snapshot
from tests.test_concurrency import at_once
from tests.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)

Backlog = Callable[..., None]


def purchase(customer: str, number: int = 1) -> dict[str, Any]:
    return {
        "customer_id": customer,
        "agreement_id": f"agreement_of_{customer}",
        "plan": {"code": "pro", "name": "Pro"},
        "payment_id": f"payment_{number}_of_{customer}",
        "amount": 10,
        "currency": "EUR",
    }


@pytest.fixture
def backlog(settings: Any, post_kinde: PostKinde) -> Backlog:
    """Let purchases of some customers wait, each with this many events."""

    def backlog(*customers: str, events: int = 2) -> None:
        settings.BILLING_WEBHOOKS_DISPATCH = "deferred"
        for minute in range(events):
            for customer in customers:
                post_kinde(
                    "customer.payment_succeeded",
                    purchase(customer, minute),
                    occurred_at=at(f"10:{minute:02d}"),
                )

    return backlog


def customers(number: int) -> list[str]:
    return [f"customer_{each}" for each in range(number)]


def statements(job: Callable[[], Any]) -> list[str]:
    with CaptureQueriesContext(connection) as queries:
        job()
    return [each["sql"] for each in queries]


def in_transaction(taken: list[str]) -> list[str]:
    """Return the statements of the last transaction."""
    last = len(taken) - taken[::-1].index("BEGIN")
    return taken[last : taken.index("COMMIT", last)]


def states() -> Counter[str]:
    return Counter(WebhookEvent.objects.values_list("state", flat=True))


class TestStatements:
    """How many they are does not depend on how many events there are."""

    @pytest.fixture(autouse=True)
    def known(self, backlog: Backlog) -> None:
        backlog(*customers(60), events=1)
        sweep()

    def test_one_event__takes_eight_in_one_transaction(self, post_kinde: PostKinde) -> None:
        post_kinde("customer.payment_succeeded", purchase("customer_1", 2))
        taken = statements(lambda: work("kinde:customer:customer_1"))
        assert states() == {"processed": 61}
        # What was due, that it is tried, the event, its rows; three of them written, and done.
        if connection.vendor == "postgresql":
            assert [each[:6] for each in taken].count("COMMIT") == 1
            assert len(taken) - len(["BEGIN", "COMMIT"]) == 8

    @pytest.mark.parametrize("events", [1, 4])
    def test_batch__takes_as_many_for_six_as_for_sixty(
        self, post_kinde: PostKinde, backlog: Backlog, events: int
    ) -> None:
        backlog(*customers(6), events=events + 1)
        few = statements(sweep)
        backlog(*customers(40), events=events + 1)
        many = statements(sweep)
        assert states().keys() == {"processed"}
        # SQLite takes fewer parameters in a statement than some batches have values.
        if connection.vendor != "sqlite":
            assert len(many) == len(few)
        if connection.vendor == "postgresql":
            assert len(many) <= 17
            # Of the payments, some are known and others new.
            assert len(in_transaction(many)) == 8 + 1

    def test_newcomers__take_two_statements_more_for_all_of_them(self, backlog: Backlog) -> None:
        backlog(*(f"new_{each}" for each in range(20)), events=1)
        taken = statements(sweep)
        assert states() == {"processed": 80}
        if connection.vendor == "postgresql":
            assert len(in_transaction(taken)) == 8 + 2

    def test_repeated_plan__is_not_written(self, post_kinde: PostKinde) -> None:
        before = Plan.objects.get().updated_at
        post_kinde("customer.payment_succeeded", purchase("customer_1", 2))
        sweep()
        assert Plan.objects.get().updated_at == before


class TestBadEvents:
    """They stand alone in the end, and the others are done."""

    @pytest.mark.parametrize("fault", ["Bad", "Unheard"])
    def test_faults__of_reading_and_of_applying(
        self, backlog: Backlog, settings: Any, fault: str
    ) -> None:
        configured = settings.BILLING_WEBHOOKS_PROVIDERS
        settings.BILLING_WEBHOOKS_PROVIDERS = {
            **configured,
            "kinde": {**configured["kinde"], "BACKEND": f"tests.batching.providers.{fault}"},
        }
        settings.BILLING_WEBHOOKS_MAX_ATTEMPTS = 1
        backlog(*customers(20), "bad_1", "bad_2", events=2)
        assert sweep() == 44
        assert states() == {"processed": 40, "dead": 4}
        assert Payment.objects.count() == 40
        dead = WebhookEvent.objects.filter(state="dead")
        assert all("bad" in event.mailbox and event.attempts == 1 for event in dead)

    def test_deadly__uses_up_its_attempts_and_the_others_are_done(
        self, backlog: Backlog, settings: Any, no_waiting: None
    ) -> None:
        configured = settings.BILLING_WEBHOOKS_PROVIDERS
        settings.BILLING_WEBHOOKS_PROVIDERS = {
            **configured,
            "kinde": {**configured["kinde"], "BACKEND": "tests.batching.providers.Deadly"},
        }
        settings.BILLING_WEBHOOKS_MAX_ATTEMPTS = 3
        backlog(*customers(5), "bad_1")
        workers = 0
        while not is_settled():
            workers += 1
            assert workers < 30
            live(lambda tell: tell(str(sweep())))
        assert states() == {"processed": 10, "dead": 2}
        assert {event.attempts for event in WebhookEvent.objects.filter(state="dead")} == {3}


class TestReceivers:
    """Who is told of an event is told before the next one of its customer is applied."""

    def test_told__of_each_event_what_it_made(self, backlog: Backlog, connect: Connect) -> None:
        told: list[tuple[str, int]] = []

        def hear(event: WebhookEvent, customer: Customer, **_: Any) -> None:
            told.append((event.mailbox, customer.payments.count()))

        connect(signals.payment_succeeded, hear)
        backlog(*customers(3), events=3)
        assert sweep() == 9
        assert states() == {"processed": 9}
        for mailbox in {mailbox for mailbox, _ in told}:
            assert [count for each, count in told if each == mailbox] == [1, 2, 3]

    def test_unheard_signals__are_no_reason_to_wait(
        self, backlog: Backlog, connect: Connect
    ) -> None:
        connect(signals.payment_failed, lambda **_: pytest.fail("Nothing failed."))
        backlog(*customers(3), events=3)
        taken = statements(sweep)
        assert states() == {"processed": 9}
        assert len([each for each in taken if each == "COMMIT"]) <= 3

    def test_failing__is_tried_again_alone(
        self, backlog: Backlog, connect: Connect, no_waiting: None
    ) -> None:
        heard: Counter[str] = Counter()

        def fail_once(event: WebhookEvent, **_: Any) -> None:
            heard[event.external_id] += 1
            if heard[event.external_id] == 1:
                raise ConnectionError

        connect(event_processed, fail_once)
        backlog(*customers(3))
        until(is_settled, sweep)
        assert set(heard.values()) == {2}
        assert Payment.objects.count() == 6


class TestBesideEachOther:
    """Batches of workers that mention one plan, and name the same newcomers."""

    def test_one_plan_and_new_customers(self, backlog: Backlog) -> None:
        names = customers(30)
        backlog(*names, events=3)
        sweep()
        expected = snapshot()
        forget()
        backlog(*names, events=3)
        at_once([sweep] * 6)
        until(is_settled, sweep)
        assert len(expected["Subscription"]) == Subscription.objects.count() == 30
        assert {name: len(rows) for name, rows in snapshot().items()} == {
            name: len(rows) for name, rows in expected.items()
        }

    def test_same_organisation__of_many_new_customers(
        self, settings: Any, post_kinde: PostKinde
    ) -> None:
        settings.BILLING_WEBHOOKS_DISPATCH = "deferred"
        for number in range(20):
            who = {"customer_id": f"customer_{number}", "org_code": "org_1"}
            post_kinde("customer.plan_assigned", who, occurred_at=at(f"10:{number:02d}"))
            post_kinde("customer.plan_assigned", {"org_code": "org_1", "plan_code": "pro"})
        at_once([sweep] * 4)
        until(is_settled, sweep)
        assert states() == {"processed": 40}
        identity = CustomerIdentity.objects.get(kind="organization", value="org_1")
        assert identity.row.external_id == "customer_19"


def test_rest__of_a_batch_is_worked_together_by_another_worker(backlog: Backlog) -> None:
    backlog(*customers(3), events=4)
    assert sweep(limit=7) == 7
    taken = statements(sweep)
    assert states() == {"processed": 12}
    # One transaction, but for where mailboxes are marked in one of their own.
    assert len([each for each in taken if each == "COMMIT"]) <= 2


def test_turns__who_has_many_events_waits_until_others_had_theirs(
    backlog: Backlog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweeping, "EVENTS_TOGETHER", 10)
    backlog("a_large_one", events=50)
    backlog("b", "c", "d", events=1)
    done: list[Counter[str]] = []

    def note(_: int) -> None:
        processed = WebhookEvent.objects.filter(state="processed")
        done.append(Counter(processed.values_list("mailbox", flat=True)))

    assert sweep(tell=note) == 53
    others = [each for each in done if len(each) == 4]
    assert others[0]["kinde:customer:a_large_one"] < 30


@hypothesis_settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(history=kinde_histories, size=st.integers(1, 12))
def test_history__worked_together_ends_as_worked_one_by_one(
    post_all: Post, settings: Any, history: list[dict[str, Any]], size: int
) -> None:
    ended = []
    for dispatch in ("inline", "deferred"):
        forget()
        settings.BILLING_WEBHOOKS_DISPATCH = dispatch
        post_all(history)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sweeping, "EVENTS_TOGETHER", size)
            until(is_settled, sweep)
        ended.append(snapshot())
    assert ended[0] == ended[1]
