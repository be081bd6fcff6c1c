"""A replay comes between the steps of a worker, and neither is lost."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import OperationalError, connection

from billing_webhooks.models import Customer, ReceiverRun, WebhookEvent
from billing_webhooks.replaying import replay
from billing_webhooks.signals import event_processed
from tests.conftest import Connect, PostKinde, at
from tests.replaying.conftest import SIGN_UP, Correct, states, work_off
from tests.test_concurrency import at_once

pytestmark = pytest.mark.django_db(transaction=True)

QUOTES = str.maketrans("", "", '`"')
EMAIL = {**SIGN_UP, "user": {"email": "ADA@example.org"}}


def before_statement(beginning: str, act: Callable[[], Any]) -> Any:
    """Act once, before a statement that begins like that, quotes left out."""
    done: list[str] = []

    def look(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.translate(QUOTES).startswith(beginning) and not done:
            done.append(sql)
            act()
        return execute(sql, params, many, context)

    return connection.execute_wrapper(look)


@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite lets one wait for the other")
def test_read_by_a_worker__and_then_replayed(
    connect: Connect, post_kinde: PostKinde, correct: Correct, settings: Any
) -> None:
    is_up: list[bool] = []

    def hear(**_: Any) -> None:
        if not is_up:
            raise ConnectionError

    connect(event_processed, hear)
    post_kinde("customer.agreement_created", EMAIL)
    assert states() == ["pending"]
    settings.BILLING_WEBHOOKS_DISPATCH = "deferred"
    correct("LowerCase")
    is_up.append(True)

    def replay_it() -> None:
        at_once([lambda: replay(WebhookEvent.objects.all())])

    # The worker has read that the event is applied, and has yet to count its attempt.
    with before_statement("UPDATE billing_webhooks_webhookevent SET attempts", replay_it):
        work_off()

    assert states() == ["processed"]
    assert Customer.objects.get().email == "ada@example.org"


def test_under_way__is_refused_and_ends_as_if_nothing_had_been(
    connect: Connect, post_kinde: PostKinde
) -> None:
    refused: list[Any] = []
    connect(event_processed, lambda **_: refused.append(replay(WebhookEvent.objects.all())))
    post_kinde("customer.agreement_created", SIGN_UP)

    assert [each.refused for each in refused] == [{"It is being worked now.": 1}]
    assert states() == ["processed"]


def test_many_replays__beside_sweeps_tell_everybody_once(
    connect: Connect, post_kinde: PostKinde, settings: Any
) -> None:
    settings.BILLING_WEBHOOKS_DISPATCH = "deferred"
    for number in range(12):
        data = {**EMAIL, "customer_id": f"customer_{number % 3}"}
        post_kinde("customer.agreement_created", data, occurred_at=at(f"10:{number:02d}"))
    connect(event_processed, lambda **_: None)
    settings.BILLING_WEBHOOKS_DISPATCH = "inline"
    at_once([work_off, *[lambda: replay(WebhookEvent.objects.all())] * 3, work_off])
    work_off()

    assert set(states()) == {"processed"}
    assert ReceiverRun.objects.filter(state="succeeded").count() == 12
    assert set(ReceiverRun.objects.values_list("attempts", flat=True)) == {1}


def test_error_that_passes__is_tried_again(post_kinde: PostKinde) -> None:
    post_kinde("customer.agreement_created", SIGN_UP)
    failing = iter([True, True])

    def deadlock(execute: Any, sql: str, *rest: Any) -> Any:
        if sql.startswith("UPDATE") and "webhookevent" in sql and next(failing, False):
            raise OperationalError("Deadlock found when trying to get lock")
        return execute(sql, *rest)

    with connection.execute_wrapper(deadlock):
        replayed = replay(WebhookEvent.objects.all())

    assert len(replayed.keys) == 1
    assert (WebhookEvent.objects.get().replays, states()) == (1, ["processed"])
