"""A stored event wakes a worker by a key, on either broker."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from celery import Celery

from billing_webhooks.sweeping import sweep
from tests.celery_engine.conftest import Post, UseBroker, states
from tests.celery_engine.deliveries import CUSTOMER, MAILBOX
from tests.celery_engine.queues import Broker, arguments, everything_in, taken, woken
from tests.once import on_one_database
from tests.servers.valkey import Valkey

on_one_database()

pytestmark = pytest.mark.usefixtures("patient")


def test_message__holds_the_key_of_the_mailbox_and_nothing_else(
    broker: Broker, use_broker: UseBroker, post: Post
) -> None:
    use_broker(broker.url)
    assert post() == 200
    assert states() == ["pending"]

    [message] = taken(broker)
    assert arguments(message) == [MAILBOX]
    assert message.headers["task"] == "billing_webhooks.work"
    assert message.headers["eta"] is None
    assert CUSTOMER["email"] not in everything_in(message)
    assert "customer_created" not in everything_in(message)


def test_request__is_sent_the_answer_without_a_line_about_the_broker(
    broker: Broker, use_broker: UseBroker, post: Post, told: Callable[[], list[str]]
) -> None:
    use_broker(broker.url)
    assert [post() for _ in range(3)] == [200] * 3
    assert woken(broker) == [MAILBOX] * 3
    assert told() == []


def test_broker_restarted__the_first_wake_up_arrives(
    broker: Broker, use_broker: UseBroker, post: Post, told: Callable[[], list[str]]
) -> None:
    use_broker(broker.url)
    post()
    broker.stop()
    broker.start()
    broker.wait_until_ready()
    woken(broker)

    assert post() == 200
    assert woken(broker) == [MAILBOX]
    assert told() == []


def test_queue_flushed__the_sweep_finds_all(
    valkey_server: Valkey, use_broker: UseBroker, post: Post
) -> None:
    use_broker(valkey_server.url)
    for _ in range(3):
        post()
    valkey_server.flush()

    assert sweep() == 3
    assert states() == ["processed"] * 3


def test_route__of_the_project_is_followed(
    valkey_server: Valkey, use_broker: UseBroker, app: Celery, post: Post
) -> None:
    use_broker(valkey_server.url)
    app.conf.task_routes = {"billing_webhooks.*": {"queue": "billing"}}
    post()
    assert valkey_server.ask("LLEN billing") == ":1"


def test_failover__the_next_broker_of_the_list_is_woken(
    valkey_server: Valkey, use_broker: UseBroker, post: Post, told: Callable[[], list[str]]
) -> None:
    use_broker(f"redis://127.0.0.1:1/0;{valkey_server.url}")
    assert post() == 200
    assert woken(valkey_server) == [MAILBOX]
    assert told() == []
