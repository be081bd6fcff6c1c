"""One message to Celery's broker, over connections of our own that give up early."""

from __future__ import annotations

import os
from typing import Any

from celery import Celery, Task
from django.core.exceptions import ImproperlyConfigured
from kombu import Connection
from kombu.exceptions import OperationalError
from kombu.pools import ProducerPool

from billing_webhooks import tasks
from billing_webhooks.schedule import EXPIRES_SECONDS

SOCKET_SECONDS = 0.5
CONNECTIONS = 10

# Without these and `max_retries`, kombu goes on connecting for two seconds, whatever `retry` says.
WITHOUT_PAUSE = {"interval_start": 0, "interval_step": 0, "interval_max": 0}


class NoCeleryApp(ImproperlyConfigured):
    """The project has no Celery app, or this process or thread does not know it."""


def work_task() -> Task[Any, Any]:
    """
    Return the task `billing_webhooks.work` of the project's Celery app.

    Raise NoCeleryApp for the app that Celery makes up where there is none.
    """
    return _task(tasks.work)


def work_due_task() -> Task[Any, Any]:
    """Return the task `billing_webhooks.work_due` of the same app, or raise NoCeleryApp."""
    return _task(tasks.work_due)


def _task(shared: Any) -> Task[Any, Any]:
    app: Any = shared.app
    if app.main == "default" and not app.set_as_current and not app.conf.broker_url:
        raise NoCeleryApp("Make a Celery app, and import it in your project's __init__.py.")
    task: Task[Any, Any] = app.tasks[shared.name]
    return task


_pools: dict[tuple[int, Celery, str], ProducerPool] = {}


def producers(app: Celery) -> ProducerPool:
    """
    Return this process's own pool of connections to an app's broker; none is opened yet.

    kombu's own is shared after a fork, and two processes then write to one socket. What
    was inherited stays where it is: closed here, it would be closed for the parent too.
    """
    key = (os.getpid(), app, str(app.conf.broker_write_url))
    pool = _pools.get(key)
    if pool is None:
        connections = connection_to(app).Pool(limit=CONNECTIONS)
        pool = _pools.setdefault(key, ProducerPool(connections, limit=CONNECTIONS))
    return pool


def connection_to(app: Celery) -> Connection:
    """Return a connection to an app's broker that gives up early; it is not opened yet."""
    usual = app.connection_for_write()
    options = {
        **_socket_options(usual.transport.driver_type),
        **WITHOUT_PAUSE,
        # Of several brokers, each is tried once.
        "max_retries": max(len(usual.alt) - 1, 0),
    }
    return app.connection_for_write(connect_timeout=SOCKET_SECONDS, transport_options=options)


def _socket_options(driver: str | None) -> dict[str, Any]:
    """Return the options by which a broker of kombu's driver type is not waited for."""
    if driver == "redis":
        return {"socket_timeout": SOCKET_SECONDS, "socket_connect_timeout": SOCKET_SECONDS}
    if driver == "amqp":
        return {
            "connect_timeout": SOCKET_SECONDS,
            "read_timeout": SOCKET_SECONDS,
            "write_timeout": SOCKET_SECONDS,
            # RabbitMQ takes messages that it then loses, unless it is asked to confirm them.
            "confirm_publish": True,
        }
    return {}


def publish(pool: ProducerPool, task: Task[Any, Any]) -> None:
    """Send a task without arguments. Raise whatever goes wrong, mostly soon."""
    producer: Any = pool.acquire(block=True, timeout=SOCKET_SECONDS)
    try:
        was_connected = producer.connection.connected
        try:
            _send(task, producer)
        except OperationalError:
            # RabbitMQ was restarted since the last message: only the connection is stale.
            if not was_connected:
                raise
            _send(task, producer)
    finally:
        producer.release()


def _send(task: Task[Any, Any], producer: Any) -> None:
    try:
        task.apply_async(
            producer=producer, retry=False, ignore_result=True, expires=EXPIRES_SECONDS
        )
    except BaseException:
        # Without a farewell, for which a silent broker would let us wait again. Whoever
        # uses the producer next gets a new channel.
        connection = producer.connection
        connection.collect()
        producer.revive(connection)
        raise
