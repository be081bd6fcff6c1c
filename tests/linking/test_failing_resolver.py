"""A resolver that fails is tried again by itself, and nobody else notices."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User

from billing_webhooks.exceptions import GiveUp, RetryLater
from billing_webhooks.models import Customer, CustomerLink, ReceiverRun, WebhookEvent
from billing_webhooks.signals import event_processed
from billing_webhooks.sweeping import sweep
from tests.conftest import Connect, PostKinde, make_due
from tests.linking.conftest import NAME, WHO, Resolve, runs
from tests.models import Tally
from tests.once import on_one_database

on_one_database()

pytestmark = pytest.mark.django_db(transaction=True)


def test_failing__neither_stops_nor_repeats_receivers(
    resolve: Resolve, connect: Connect, post_kinde: PostKinde, ada: User
) -> None:
    calls: list[str] = []
    moods = iter([ConnectionError("the directory is down"), None])

    def whose(customer: Customer, event: WebhookEvent) -> User:
        Tally.objects.create(name="asked")
        if (mood := next(moods)) is not None:
            raise mood
        return ada

    resolve(whose)
    connect(event_processed, lambda **_: calls.append("called"), "hear")
    post_kinde("customer.plan_assigned", WHO)

    assert (runs(), calls) == ({NAME: "failed", "hear": "succeeded"}, ["called"])
    assert "the directory is down" in ReceiverRun.objects.get(receiver=NAME).last_error
    assert not Tally.objects.exists()
    make_due()
    sweep()
    assert (runs(), calls) == ({NAME: "succeeded", "hear": "succeeded"}, ["called"])
    assert (CustomerLink.objects.get().user, Tally.objects.count()) == (ada, 1)


def test_failing__after_an_answer_it_is_not_asked_again(
    resolve: Resolve, connect: Connect, post_kinde: PostKinde
) -> None:
    asked: list[Any] = []
    moods = iter([ConnectionError, None])

    def fail_once(**_: Any) -> None:
        if (mood := next(moods)) is not None:
            raise mood

    resolve(lambda customer, event: asked.append(event))
    connect(event_processed, fail_once)
    post_kinde("customer.plan_assigned", WHO)
    make_due()
    sweep()
    assert len(asked) == 1
    assert WebhookEvent.objects.get().state == "processed"


def test_failing__what_another_event_has_answered_is_not_asked_any_more(
    resolve: Resolve, post_kinde: PostKinde, ada: User
) -> None:
    moods = iter([ConnectionError, None])

    def whose(customer: Customer, event: WebhookEvent) -> User:
        if (mood := next(moods)) is not None:
            raise mood
        return ada

    resolve(whose)
    for _ in range(2):
        post_kinde("customer.plan_assigned", WHO)
    make_due()
    sweep()
    assert set(WebhookEvent.objects.values_list("state", flat=True)) == {"processed"}
    assert CustomerLink.objects.get().user == ada


@pytest.mark.parametrize(
    ("error", "state", "run"),
    [
        (RetryLater("busy", after=timedelta(hours=5)), "pending", "failed"),
        (GiveUp("never"), "dead", "given_up"),
    ],
    ids=["retry later", "give up"],
)
def test_failing__it_says_what_is_to_come_of_it(
    resolve: Resolve, post_kinde: PostKinde, error: Exception, state: str, run: str
) -> None:
    def whose(customer: Customer, event: WebhookEvent) -> None:
        raise error

    resolve(whose)
    post_kinde("customer.plan_assigned", WHO)
    assert (WebhookEvent.objects.get().state, runs()) == (state, {NAME: run})


@pytest.mark.parametrize(
    "answer",
    ["", "ada", 5, {"user": 1}, [None], User(username="unsaved"), [User(username="unsaved")]],
    ids=repr,
)
def test_failing__what_is_no_user_is_told_so(
    resolve: Resolve, post_kinde: PostKinde, answer: Any
) -> None:
    resolve(lambda customer, event: answer)
    post_kinde("customer.plan_assigned", WHO)

    run = ReceiverRun.objects.get()
    assert (run.state, run.event.state) == ("failed", "pending")
    assert "NotAUser" in run.last_error
    assert not CustomerLink.objects.exists()


def test_failing__one_that_cannot_be_imported_loses_nothing(
    settings: Any, resolve: Resolve, connect: Connect, post_kinde: PostKinde, ada: User
) -> None:
    calls: list[str] = []
    settings.BILLING_WEBHOOKS_USER_RESOLVER = "nowhere.whose"
    connect(event_processed, lambda **_: calls.append("called"), "hear")

    assert post_kinde("customer.plan_assigned", WHO).status_code == 200
    assert WebhookEvent.objects.get().state == "pending"
    assert "nowhere.whose" in ReceiverRun.objects.get(receiver="nowhere.whose").last_error

    resolve(lambda customer, event: ada)
    make_due()
    sweep()
    assert (CustomerLink.objects.get().user, calls) == (ada, ["called"])
    assert WebhookEvent.objects.get().state == "processed"
