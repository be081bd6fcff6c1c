"""A stored event wakes a worker, on either broker."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from celery import Celery

from billing_webhooks import nudging
from billing_webhooks.sweeping import sweep
from tests.celery_engine.conftest import Post, UseBroker, states
from tests.celery_engine.deliveries import CUSTOMER, MAILBOX
from tests.celery_engine.queues import (
    Broker,
    arguments,
    await_wake_up,
    everything_in,
    lying,
    taken,
    woken,
)
from tests.celery_engine.waiting import wait_for
from tests.once import on_one_database
from tests.servers.valkey import Valkey

on_one_database()

pytestmark = pytest.mark.usefixtures("patient")


def test_message__says_that_something_is_due_and_nothing_else(
    broker: Broker, use_broker: UseBroker, post: Post
) -> None:
    use_broker(broker.url)
    assert post() == 200
    assert states() == ["pending"]

    wait_for(lambda: lying(broker) == 1)
    [message] = taken(broker)
    assert arguments(message) == []
    assert message.headers["task"] == "billing_webhooks.work_due"
    assert message.headers["eta"] is None
    assert message.headers["expires"]
    assert CUSTOMER["id"] not in everything_in(message)
    assert CUSTOMER["email"] not in everything_in(message)
    assert "customer_created" not in everything_in(message)


def test_request__is_sent_the_answer_without_a_line_about_the_broker(
    broker: Broker, use_broker: UseBroker, post: Post, told: Callable[[], list[str]]
) -> None:
    use_broker(broker.url)
    for _ in range(3):
        assert post() == 200
        await_wake_up(broker)
    assert told() == []


def test_burst__is_few_messages__and_one_after_the_last(
    valkey_server: Valkey, use_broker: UseBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Longer than it takes this machine to ring a thousand times.
    monkeypatch.setattr(nudging, "PAUSE_SECONDS", 5.0)
    use_broker(valkey_server.url)
    for _ in range(1000):
        nudging.nudge(MAILBOX)
    await_wake_up(valkey_server)
    nudging.nudge(MAILBOX)

    nudging._bells[os.getpid()].finish()
    assert 1 <= woken(valkey_server) <= 2


def test_threads__ring_one_bell(valkey_server: Valkey, use_broker: UseBroker) -> None:
    use_broker(valkey_server.url)
    with ThreadPoolExecutor(20) as pool:
        list(pool.map(nudging.nudge, [MAILBOX] * 200))
    await_wake_up(valkey_server)
    wait_for(lambda: len(bells()) == 1)


def bells() -> list[threading.Thread]:
    return [each for each in threading.enumerate() if isinstance(each, nudging.Bell)]


def test_broker_restarted__the_first_wake_up_arrives(
    broker: Broker, use_broker: UseBroker, post: Post, told: Callable[[], list[str]]
) -> None:
    use_broker(broker.url)
    post()
    await_wake_up(broker)
    broker.stop()
    broker.start()
    broker.wait_until_ready()

    assert post() == 200
    await_wake_up(broker)
    assert told() == []


def test_queue_flushed__the_sweep_finds_all(
    valkey_server: Valkey, use_broker: UseBroker, post: Post
) -> None:
    use_broker(valkey_server.url)
    for _ in range(3):
        post()
    await_wake_up(valkey_server)
    valkey_server.flush()

    assert sweep() == 3
    assert states() == ["processed"] * 3


def test_route__of_the_project_is_followed(
    valkey_server: Valkey, use_broker: UseBroker, app: Celery, post: Post
) -> None:
    use_broker(valkey_server.url)
    app.conf.task_routes = {"billing_webhooks.*": {"queue": "billing"}}
    post()
    wait_for(lambda: valkey_server.ask("LLEN billing") == ":1")


def test_failover__the_next_broker_of_the_list_is_woken(
    valkey_server: Valkey, use_broker: UseBroker, post: Post, told: Callable[[], list[str]]
) -> None:
    use_broker(f"redis://127.0.0.1:1/0;{valkey_server.url}")
    assert post() == 200
    await_wake_up(valkey_server)
    assert told() == []
