"""
A wake-up by Celery: bounded in time, and no loss if it fails.

A broker may be down, silent, full or half installed, and Celery's own ways then wait for
seconds or for ever. Here a request waits for half a second once, and then for nothing
until the broker has had a rest: the sweep finds what nobody was told of.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from typing import Any, cast

from celery import Celery, Task
from django.core.exceptions import ImproperlyConfigured
from kombu import Connection
from kombu.pools import ProducerPool

from billing_webhooks import tasks

logger = logging.getLogger(__name__)

PATIENCE_SECONDS = 0.5
REST_SECONDS = 30.0

# By kombu's driver type. RabbitMQ takes messages that it then loses unless it is asked to
# confirm them.
SOCKET_OPTIONS: dict[str, dict[str, Any]] = {
    "redis": {"socket_timeout": PATIENCE_SECONDS, "socket_connect_timeout": PATIENCE_SECONDS},
    "amqp": {
        "connect_timeout": PATIENCE_SECONDS,
        "read_timeout": PATIENCE_SECONDS,
        "write_timeout": PATIENCE_SECONDS,
        "confirm_publish": True,
    },
}
# Without these, kombu tries again to connect for two seconds, whatever `retry` says.
FIRST_TRY_ONLY = {"max_retries": 0, "interval_start": 0, "interval_step": 0, "interval_max": 0}


CONNECTIONS = 10


class BrokerSilent(Exception):
    """The broker did not answer in time."""


class NoCeleryApp(ImproperlyConfigured):
    """The project has no Celery app, or this process has not imported it."""


class Line:
    """The way to the broker: closed for a while after each failure."""

    def __init__(self) -> None:
        self.closed_until = 0.0

    def send(self, mailbox: str) -> None:
        """
        Have a mailbox worked by some Celery worker.

        Raise whatever went wrong. Do nothing while the line is closed.
        """
        if time.monotonic() < self.closed_until:
            return
        # Celery keeps its current app by thread, so it is looked up in this one.
        call = Call(project_app().tasks[tasks.work.name], mailbox)
        call.start()
        call.join(PATIENCE_SECONDS)
        error = BrokerSilent() if call.is_alive() else call.error
        if error is not None:
            self.closed_until = time.monotonic() + REST_SECONDS
            raise error


class Call(threading.Thread):
    """
    One message to the broker.

    In a thread of its own, because looking up the broker's name has no timeout.
    """

    def __init__(self, task: Task[Any, Any], mailbox: str) -> None:
        super().__init__(name="billing_webhooks_nudge", daemon=True)
        self.task = task
        self.mailbox = mailbox
        self.error: BaseException | None = None

    def run(self) -> None:
        try:
            publish(self.task, self.mailbox)
        except BaseException as error:
            self.error = error


line = Line()


def nudge(mailbox: str) -> None:
    """Have a mailbox worked by some Celery worker, or say in the log why nobody was told."""
    if project_app().conf.task_always_eager:
        tasks.work.delay(mailbox)
        return
    try:
        line.send(mailbox)
    except Exception as error:
        # The class alone: the message may hold the broker's password.
        logger.warning(
            "The broker took no wake-up (%s); the next is tried in %d s, and the sweep finds "
            "what is due.",
            type(error).__name__,
            REST_SECONDS,
        )


def project_app() -> Celery:
    """Return the project's Celery app. Raise NoCeleryApp for the one Celery makes up without."""
    app: Any = tasks.work.app
    if app.main == "default" and not app.set_as_current and not app.conf.broker_url:
        raise NoCeleryApp("Make a Celery app, and import it in your project's __init__.py.")
    return cast(Celery, app)


def publish(task: Task[Any, Any], mailbox: str) -> None:
    """Send the task, over a connection of ours that gives up early."""
    producer: Any = _producers(task.app).acquire(block=True, timeout=PATIENCE_SECONDS)
    was_connected = producer.connection.connected
    try:
        try:
            _send(task, mailbox, producer)
        except Exception:
            # RabbitMQ was restarted since the last message: only the connection is stale.
            if not was_connected:
                raise
            _send(task, mailbox, producer)
    finally:
        producer.release()


def _send(task: Task[Any, Any], mailbox: str, producer: Any) -> None:
    try:
        task.apply_async((mailbox,), producer=producer, retry=False, ignore_result=True)
    except BaseException:
        # Without a farewell, for which a silent broker would let us wait again.
        producer.connection.collect()
        raise


_pools: dict[tuple[int, Celery, str], ProducerPool] = {}


def _producers(app: Celery) -> ProducerPool:
    """
    Return this process's own pool of connections.

    kombu's own is shared after a fork, and two processes then write to one socket. What
    was inherited stays where it is: closed here, it would be closed for the parent too.
    """
    key = (os.getpid(), app, app.conf.broker_write_url)
    pool = _pools.get(key)
    if pool is None:
        connections = _connection(app).Pool(limit=CONNECTIONS)
        pool = _pools.setdefault(key, ProducerPool(connections, limit=CONNECTIONS))
    return pool


def _connection(app: Celery) -> Connection:
    driver = app.connection_for_write().transport.driver_type
    connection = app.connection_for_write(
        connect_timeout=PATIENCE_SECONDS,
        transport_options={**SOCKET_OPTIONS.get(driver, {}), **FIRST_TRY_ONLY},
    )
    if connection.alt:
        # Of several brokers, each is tried once.
        connection.transport_options["max_retries"] = len(connection.alt) - 1
    return connection
