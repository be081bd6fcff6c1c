"""What lies in a broker's queue, and how to empty it."""

from __future__ import annotations

import json
from queue import Empty
from typing import Any

from kombu import Connection

from tests.celery_engine.waiting import wait_for
from tests.servers.rabbitmq import RabbitMQ
from tests.servers.valkey import Valkey

Broker = Valkey | RabbitMQ
QUEUE = "celery"


def taken(broker: Broker) -> list[Any]:
    """Return the messages in the queue, and leave it empty."""
    messages: list[Any] = []
    with Connection(broker.url) as connection, connection.SimpleQueue(QUEUE) as queue:
        while True:
            try:
                message = queue.get_nowait()
            except Empty:
                return messages
            message.ack()
            messages.append(message)


def lying(broker: Broker) -> int:
    """Return how many messages are in the queue, those that a worker has in hand included."""
    if isinstance(broker, RabbitMQ):
        queues = broker.control("list_queues", "name", "messages", "--no-table-headers")
        return sum(int(line.split()[1]) for line in queues.splitlines() if line.split()[0] == QUEUE)
    return sum(int(broker.ask(command)[1:]) for command in (f"LLEN {QUEUE}", "HLEN unacked"))


def woken(broker: Broker) -> int:
    """Return how many wake-ups are in the queue, and leave it empty."""
    tasks = [message.headers["task"] for message in taken(broker)]
    return tasks.count("billing_webhooks.work_due")


def await_wake_up(broker: Broker) -> None:
    """Return once a wake-up has come, and take it."""
    wait_for(lambda: woken(broker) > 0)


def arguments(message: Any) -> list[str]:
    positional, named, _ = json.loads(message.body)
    assert named == {}
    return list(positional)


def everything_in(message: Any) -> str:
    """Return all that a message says, its headers and properties included."""
    return f"{message.body!r} {message.headers!r} {message.properties!r}"
