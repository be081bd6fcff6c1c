"""A receiver that fails, in whatever way, does no harm to others, and is tried again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from billing_webhooks import signals
from billing_webhooks.exceptions import GiveUp, RetryLater
from billing_webhooks.models import Customer, Plan, ReceiverRun, WebhookEvent
from billing_webhooks.signals import event_processed
from billing_webhooks.sweeping import sweep
from tests.conftest import Connect, PostKinde, make_due
from tests.models import Tally

pytestmark = pytest.mark.django_db(transaction=True)

WHO = {"customer_id": "customer_1"}
SIGN_UP = {**WHO, "agreement_id": "agreement_1", "plan": {"code": "pro", "name": "Pro"}}


def test_receiver__failing_neither_stops_nor_repeats_the_others(
    connect: Connect, post_kinde: PostKinde
) -> None:
    calls: list[str] = []

    def fail(**kwargs: Any) -> None:
        calls.append("bad")
        raise ValueError("not today")

    connect(event_processed, lambda **kwargs: calls.append("before"), "before")
    connect(event_processed, fail, "bad")
    connect(event_processed, lambda **kwargs: calls.append("after"), "after")

    assert post_kinde("customer.agreement_created", SIGN_UP).status_code == 200
    event = WebhookEvent.objects.get()
    assert (event.state, event.attempts) == ("pending", 1)
    assert event.next_attempt_at is not None

    make_due()
    sweep()

    assert calls == ["before", "bad", "after", "bad"]
    runs = dict(ReceiverRun.objects.values_list("receiver", "state"))
    assert runs == {"before": "succeeded", "bad": "failed", "after": "succeeded"}
    assert "not today" in ReceiverRun.objects.get(receiver="bad").last_error


def test_receiver__error_that_no_database_can_store_is_kept_all_the_same(
    connect: Connect, post_kinde: PostKinde
) -> None:
    def fail(**kwargs: Any) -> None:
        raise ValueError("here is a NUL: \0, and half a character: \ud800")

    connect(event_processed, fail)
    post_kinde("customer.agreement_created", SIGN_UP)

    run = ReceiverRun.objects.get()
    assert (run.state, run.event.state) == ("failed", "pending")
    assert "here is a NUL: , and half a character: \N{REPLACEMENT CHARACTER}" in run.last_error


def test_receiver__writes_are_rolled_back_when_it_fails(
    connect: Connect, post_kinde: PostKinde
) -> None:
    def write_and_fail(**kwargs: Any) -> None:
        Tally.objects.create(name="half done")
        raise ValueError

    connect(event_processed, write_and_fail)
    post_kinde("customer.agreement_created", SIGN_UP)
    assert not Tally.objects.exists()
    assert Customer.objects.exists()


def test_receiver__that_recovers_lets_the_event_be_processed(
    connect: Connect, post_kinde: PostKinde
) -> None:
    moods = iter([ValueError("first time"), None])

    def hear(**kwargs: Any) -> None:
        if (mood := next(moods)) is not None:
            raise mood

    connect(event_processed, hear)
    post_kinde("customer.agreement_created", SIGN_UP)
    make_due()
    sweep()

    assert WebhookEvent.objects.get().state == "processed"
    assert ReceiverRun.objects.get().attempts == 2


def test_receiver__retry_later_waits_as_long_as_it_asks(
    connect: Connect, post_kinde: PostKinde
) -> None:
    def hear(**kwargs: Any) -> None:
        raise RetryLater("rate limited", after=timedelta(hours=5))

    connect(event_processed, hear)
    before = timezone.now()
    post_kinde("customer.agreement_created", SIGN_UP)

    event = WebhookEvent.objects.get()
    assert event.state == "pending"
    assert event.next_attempt_at is not None
    assert event.next_attempt_at >= before + timedelta(hours=5)


def test_receiver__retry_later_in_a_million_years_is_tried_again_all_the_same(
    connect: Connect, post_kinde: PostKinde
) -> None:
    def hear(**kwargs: Any) -> None:
        raise RetryLater("never mind", after=timedelta.max)

    connect(event_processed, hear)
    post_kinde("customer.agreement_created", SIGN_UP)

    event = WebhookEvent.objects.get()
    assert (event.state, event.attempt_began_at) == ("pending", None)


def test_receiver__retry_later_without_a_unit_is_a_fault_of_the_receiver(
    connect: Connect, post_kinde: PostKinde
) -> None:
    def hear(**kwargs: Any) -> None:
        raise RetryLater("in five what?", after=5)  # type: ignore[arg-type]

    connect(event_processed, hear)
    post_kinde("customer.agreement_created", SIGN_UP)

    run = ReceiverRun.objects.get()
    assert (run.state, run.event.state) == ("failed", "pending")
    assert "TypeError" in run.last_error


def test_receiver__whose_on_commit_callback_fails_is_not_run_again(
    connect: Connect, post_kinde: PostKinde
) -> None:
    def fail() -> None:
        raise ConnectionError("the queue is down")

    def hear(**kwargs: Any) -> None:
        Tally.objects.create(name="written")
        transaction.on_commit(fail)

    connect(event_processed, hear)
    post_kinde("customer.agreement_created", SIGN_UP)

    assert WebhookEvent.objects.get().state == "processed"
    assert ReceiverRun.objects.get().state == "succeeded"
    assert Tally.objects.count() == 1


def test_receiver__that_asks_for_a_rollback_has_not_succeeded(
    connect: Connect, post_kinde: PostKinde
) -> None:
    def hear(**kwargs: Any) -> None:
        Tally.objects.create(name="written")
        transaction.set_rollback(True)

    connect(event_processed, hear)
    post_kinde("customer.agreement_created", SIGN_UP)

    run = ReceiverRun.objects.get()
    assert (run.state, run.event.state) == ("failed", "pending")
    assert not Tally.objects.exists()


def test_receiver__that_is_gone_does_not_keep_the_event_pending(
    connect: Connect, post_kinde: PostKinde
) -> None:
    def fail(**kwargs: Any) -> None:
        raise ValueError

    connect(event_processed, fail, "old name")
    post_kinde("customer.agreement_created", SIGN_UP)
    event_processed.disconnect(dispatch_uid="old name")
    calls: list[str] = []
    connect(event_processed, lambda **kwargs: calls.append("called"), "new name")
    make_due()
    sweep()

    assert WebhookEvent.objects.get().state == "processed"
    assert calls == ["called"]


def test_receiver__give_up_is_final_for_it_alone(connect: Connect, post_kinde: PostKinde) -> None:
    calls: list[str] = []

    def give_up(**kwargs: Any) -> None:
        raise GiveUp("nobody there")

    connect(event_processed, give_up, "quitter")
    connect(event_processed, lambda **kwargs: calls.append("after"), "after")
    post_kinde("customer.agreement_created", SIGN_UP)

    event = WebhookEvent.objects.get()
    assert event.state == "dead"
    assert "quitter" in event.last_error
    assert calls == ["after"]


def test_receiver__gets_none_for_a_plan_that_is_gone(
    connect: Connect, post_kinde: PostKinde
) -> None:
    calls: list[Any] = []

    def delete(plan: Plan, **arguments: Any) -> None:
        if plan is not None:
            plan.delete()

    connect(signals.catalogue_changed, delete, "delete")
    connect(signals.catalogue_changed, lambda **arguments: calls.append(arguments), "hear")
    connect(event_processed, lambda **arguments: calls.append(arguments), "hear")
    post_kinde("customer.agreement_created", SIGN_UP)

    assert [call["plan"] for call in calls] == [None, None]
    assert calls[1]["subscription"].plan is None


def test_receiver__does_not_see_what_a_failed_one_did_to_its_rows(
    connect: Connect, post_kinde: PostKinde
) -> None:
    emails: list[str] = []

    def change_and_fail(customer: Customer, **arguments: Any) -> None:
        customer.email = "wrong@example.org"
        raise ValueError

    connect(event_processed, change_and_fail, "bad")
    connect(event_processed, lambda customer, **_: emails.append(customer.email), "good")
    post_kinde("customer.plan_assigned", {**WHO, "email": "ada@example.org"})

    assert emails == ["ada@example.org"]
