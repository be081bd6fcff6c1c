"""What was done once is done once more, and nobody is told twice."""

from __future__ import annotations

from typing import Any

import pytest

from billing_webhooks import signals
from billing_webhooks.exceptions import GiveUp
from billing_webhooks.models import (
    Customer,
    Payment,
    Plan,
    ReceiverRun,
    Subscription,
    WebhookEvent,
)
from billing_webhooks.replaying import Scope, replay
from billing_webhooks.signals import event_processed
from tests.conftest import Connect, PostKinde, at
from tests.models import Tally
from tests.replaying.conftest import SIGN_UP, Run, states, work_off
from tests.snapshots import snapshot

pytestmark = pytest.mark.django_db(transaction=True)

PAYMENT = {**SIGN_UP, "payment_id": "payment_1", "amount": 10, "currency": "EUR"}
events = WebhookEvent.objects.order_by("occurred_at")


def history(post_kinde: PostKinde) -> None:
    post_kinde("customer.agreement_created", SIGN_UP, occurred_at=at("10:00"))
    post_kinde("customer.payment_succeeded", PAYMENT, occurred_at=at("11:00"))
    post_kinde("customer.something_new", SIGN_UP, occurred_at=at("12:00"))


def test_everything__twice_changes_nothing_and_runs_nobody(
    connect: Connect, post_kinde: PostKinde
) -> None:
    calls: list[str] = []
    for signal in (*signals.DOMAIN_SIGNALS.values(), event_processed):
        connect(signal, lambda signal, **_: calls.append(signal.name))
    history(post_kinde)
    before, told = snapshot(), list(calls)
    said = list(events.values("changes", "outcome", "customer"))
    for _ in range(2):
        assert len(replay(events.all()).keys) == 3

    assert states() == ["processed"] * 3
    assert snapshot() == before
    assert list(events.values("changes", "outcome", "customer")) == said
    assert calls == told


def test_receivers__are_told_of_a_replay_and_not_of_a_retry(
    connect: Connect, post_kinde: PostKinde, no_waiting: None
) -> None:
    told: list[bool] = []

    def crm(is_replay: bool, **_: Any) -> None:
        told.append(is_replay)
        if len(told) < 2:
            raise ConnectionError

    connect(event_processed, crm, "crm")
    post_kinde("customer.agreement_created", SIGN_UP)
    work_off()
    replay(WebhookEvent.objects.all(), Scope("crm", again=True))

    assert told == [False, False, True]


def test_quarantined__is_told_for_the_first_time(connect: Connect, post_kinde: PostKinde) -> None:
    told: list[bool] = []
    connect(event_processed, lambda is_replay, **_: told.append(is_replay))
    post_kinde("customer.agreement_created", SIGN_UP)
    WebhookEvent.objects.update(state="quarantined", idempotency_key=None, applied_at=None)
    ReceiverRun.objects.all().delete()
    replay(WebhookEvent.objects.all())

    assert told == [False, False]


def test_dead__only_the_receiver_that_failed_runs_again(
    connect: Connect, post_kinde: PostKinde, settings: Any
) -> None:
    settings.BILLING_WEBHOOKS_MAX_ATTEMPTS = 1
    calls: list[str] = []
    is_fixed: list[bool] = []

    def crm(**_: Any) -> None:
        calls.append("crm")
        if not is_fixed:
            raise ConnectionError

    connect(event_processed, crm, "crm")
    connect(event_processed, lambda **_: calls.append("mail"), "mail")
    post_kinde("customer.agreement_created", SIGN_UP)
    assert states() == ["dead"]

    is_fixed.append(True)
    replayed = replay(events.filter(state="dead"))

    assert (len(replayed.keys), replayed.refused) == (1, {})
    assert states() == ["processed"]
    assert calls == ["crm", "mail", "crm"]
    assert WebhookEvent.objects.get().last_error == ""


def test_given_up__is_asked_again(connect: Connect, post_kinde: PostKinde) -> None:
    answers = iter([GiveUp("no address"), None])

    def hear(**_: Any) -> None:
        if (answer := next(answers)) is not None:
            raise answer

    connect(event_processed, hear)
    post_kinde("customer.agreement_created", SIGN_UP)
    assert states() == ["dead"]
    replay(events.all())

    assert states() == ["processed"]
    assert ReceiverRun.objects.get().state == "succeeded"


@pytest.mark.parametrize("fate", ["removed", "renamed"])
def test_receiver__that_is_no_longer_there_holds_nobody_up(
    connect: Connect, post_kinde: PostKinde, settings: Any, fate: str
) -> None:
    settings.BILLING_WEBHOOKS_MAX_ATTEMPTS = 2
    calls: list[str] = []

    def fail(**_: Any) -> None:
        raise ValueError

    connect(event_processed, fail, "old")
    post_kinde("customer.agreement_created", SIGN_UP)
    assert states() == ["pending"]
    event_processed.disconnect(dispatch_uid="old")
    if fate == "renamed":
        connect(event_processed, lambda **_: calls.append("new"), "new")
    work_off()

    assert states() == ["processed"]
    assert calls == ["new"] * (fate == "renamed")


def test_new_receiver__hears_old_events_that_are_replayed(
    connect: Connect, post_kinde: PostKinde
) -> None:
    history(post_kinde)
    told: list[Any] = []
    connect(signals.payment_succeeded, lambda payment, **_: told.append(payment))
    replay(events.all())

    assert told == [Payment.objects.get()]


def test_attempts__begin_anew(connect: Connect, post_kinde: PostKinde, settings: Any) -> None:
    settings.BILLING_WEBHOOKS_MAX_ATTEMPTS = 2

    def fail(**_: Any) -> None:
        raise ValueError

    connect(event_processed, fail)
    post_kinde("customer.agreement_created", SIGN_UP)
    work_off()
    assert states() == ["dead"]
    replay(events.all())

    event = WebhookEvent.objects.get()
    assert (event.state, event.attempts, event.processed_at) == ("pending", 1, None)


def test_pending__need_not_wait_any_longer(connect: Connect, post_kinde: PostKinde) -> None:
    is_up = iter([False, True])

    def hear(**_: Any) -> None:
        if not next(is_up):
            raise ConnectionError

    connect(event_processed, hear)
    post_kinde("customer.agreement_created", SIGN_UP)
    assert states() == ["pending"]
    replay(events.all())

    assert states() == ["processed"]


def test_rows__deleted_by_hand_come_back_and_nobody_is_told_again(
    connect: Connect, post_kinde: PostKinde
) -> None:
    calls: list[str] = []
    for signal in (*signals.DOMAIN_SIGNALS.values(), event_processed):
        connect(signal, lambda signal, **_: calls.append(signal.name))
    history(post_kinde)
    before, told = snapshot(), list(calls)
    for model in (Payment, Subscription, Customer, Plan):
        model.objects.all().delete()
    replay(events.all())

    assert snapshot() == before
    assert calls == told
    # What is now told of them again is told of the rows there are.
    entries = [entry for event in events.all() for entry in event.changes]
    assert {e["id"] for e in entries if e["model"] == "customer"} == {Customer.objects.get().pk}


def test_rows__edited_by_hand_are_put_right(post_kinde: PostKinde) -> None:
    history(post_kinde)
    before = snapshot()
    Customer.objects.update(email="wrong@example.org", plan=None)
    Subscription.objects.update(status="cancelled", customer=None)
    Payment.objects.update(amount=5, subscription=None)
    replay(events.all())

    assert snapshot() == before


def test_merged_customer__stays_one(post_kinde: PostKinde, connect: Connect) -> None:
    calls: list[str] = []
    connect(signals.customer_created, lambda customer, **_: calls.append(str(customer)))
    post_kinde("customer.plan_assigned", {"org_code": "org_1"}, occurred_at=at("09:00"))
    post_kinde("customer.plan_assigned", {"customer_id": "customer_1"}, occurred_at=at("10:00"))
    both = {"org_code": "org_1", "customer_id": "customer_1"}
    post_kinde("customer.plan_assigned", both, occurred_at=at("11:00"))
    before, told = snapshot(), list(calls)
    replay(events.all())

    assert snapshot() == before
    assert calls == told
    assert set(events.values_list("customer", flat=True)) == {Customer.objects.get().pk}


def test_receiver__writes_of_a_replay_are_committed_with_its_success(
    connect: Connect, post_kinde: PostKinde
) -> None:
    moods = iter([ValueError, ValueError, None])

    def count(**_: Any) -> None:
        Tally.objects.create(name=f"call {Tally.objects.count()}")
        if (mood := next(moods)) is not None:
            raise mood

    connect(event_processed, count)
    post_kinde("customer.agreement_created", SIGN_UP)
    for _ in range(3):
        replay(events.all())
    assert Tally.objects.count() == 1


def test_command__says_what_became_of_them(
    connect: Connect, post_kinde: PostKinde, run: Run, settings: Any
) -> None:
    settings.BILLING_WEBHOOKS_MAX_ATTEMPTS = 1

    def fail(event: WebhookEvent, **_: Any) -> None:
        if event.event_type == "customer.something_new":
            raise ValueError

    connect(event_processed, fail)
    history(post_kinde)
    assert run("replay", "--provider", "kinde") == "Replayed 3 events: 1 dead, 2 processed.\n"

    settings.BILLING_WEBHOOKS_DISPATCH = "deferred"
    assert run("replay", "--provider", "kinde") == (
        "Replayed 3 events: 3 pending.\n"
        "What is pending is worked by `manage.py billing_webhooks process`.\n"
    )
