"""Many events in one transaction: the same comes of them as one by one, at less cost."""

from __future__ import annotations

from collections import Counter
from importlib import import_module
from typing import Any

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from billing_webhooks import signals, sweeping
from billing_webhooks.models import (
    Customer,
    CustomerIdentity,
    Payment,
    Subscription,
    WebhookEvent,
)
from billing_webhooks.signals import event_processed
from billing_webhooks.sweeping import sweep
from tests.batching.backlogs import Backlog, customers, statements, states
from tests.batching.conftest import Post
from tests.conftest import Connect, PostKinde, at
from tests.crashes.processes import live
from tests.fuzzing.budget import budget
from tests.histories import kinde_histories
from tests.outcomes import forget, is_settled
from tests.snapshots import snapshot
from tests.test_concurrency import at_once
from tests.waiting import until

# The package has a function of this name, too.
HEADS = import_module("billing_webhooks.batching.heads")

pytestmark = pytest.mark.django_db(transaction=True)


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


def test_large__are_worked_as_many_at_a_time_as_fit(
    backlog: Backlog, monkeypatch: pytest.MonkeyPatch
) -> None:
    backlog(*customers(4), events=5)
    sizes = [len(each.body) for each in WebhookEvent.objects.all()]
    monkeypatch.setattr(HEADS, "MOST_BYTES", 7 * max(sizes))
    done: list[int] = []
    assert sweep(tell=done.append) == 20
    assert states() == {"processed": 20}
    assert done[0] == 7

    monkeypatch.setattr(HEADS, "MOST_BYTES", 1)
    backlog("customer_9", events=2)
    assert sweep() == 2


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


# Where most of a batch is done by the database.
@budget(40 if connection.vendor == "postgresql" else 20, share=1)
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


def test_together__each_event_keeps_what_it_calls_a_row(
    settings: Any, post_kinde: PostKinde
) -> None:
    by_id, by_organization = {"customer_id": "customer_1"}, {"org_code": "org_1"}
    post_kinde("customer.plan_assigned", by_id | by_organization, occurred_at=at("10:00"))

    settings.BILLING_WEBHOOKS_DISPATCH = "deferred"
    post_kinde("customer.payment_succeeded", by_id, occurred_at=at("11:00"))
    post_kinde("customer.payment_failed", by_organization, occurred_at=at("12:00"))
    sweep()

    assert called("customer.payment_succeeded") == ["id", "customer_1"]
    assert called("customer.payment_failed") == ["organization", "org_1"]


def called(event_type: str) -> Any:
    """Return what an event of this type calls its customer."""
    changes = WebhookEvent.objects.get(event_type=event_type).changes
    return next(entry["key"] for entry in changes if entry["model"] == "customer")
