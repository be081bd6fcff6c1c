"""
A wake-up by Celery: bounded in time, and no loss if it fails.

A broker may be down, silent, full or half installed, and Celery's own ways then wait for
seconds or for ever. Here a request waits for half a second once, and then for nothing
until the broker has had a rest: the sweep finds what nobody was told of.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from functools import partial

logger = logging.getLogger(__name__)

PATIENCE_SECONDS = 0.5
REST_SECONDS = 30.0


class BrokerSilent(Exception):
    """The broker did not answer in time."""


class Line:
    """
    The way to the broker: closed for a while after each failure, then tried by one for all.

    It has no lock, which a fork could leave locked for ever. What a race can cost is one
    try, or one line in the log, too many.
    """

    def __init__(self) -> None:
        self.failures = 0
        self.closed_until = 0.0

    def may_be_tried(self) -> bool:
        if time.monotonic() < self.closed_until:
            return False
        if self.closed_until:
            self.closed_until = time.monotonic() + REST_SECONDS
        return True

    def close(self, error: Exception, known_failures: int) -> None:
        """Close it, unless another call has done so since this one began."""
        if self.failures != known_failures:
            return
        self.failures += 1
        self.closed_until = time.monotonic() + REST_SECONDS
        # The class alone: the message may hold the broker's password.
        logger.warning(
            "No worker was woken (%s). The next try is in %d s; the sweep works off what is due.",
            type(error).__name__,
            REST_SECONDS,
        )

    def open(self, known_failures: int) -> None:
        """Open it, unless another call has closed it since this one began."""
        if self.closed_until and self.failures == known_failures:
            self.closed_until = 0.0
            logger.info("Workers are woken again.")


class Call(threading.Thread):
    """
    A function's call that is left alone when it takes too long.

    Looking up the broker's name has no timeout, and one for each read of a socket does
    not end an answer that trickles.
    """

    def __init__(self, function: Callable[[], object]) -> None:
        super().__init__(name="billing_webhooks.nudging", daemon=True)
        self.function = function
        self.error: Exception | None = None

    def run(self) -> None:
        try:
            self.function()
        except Exception as error:
            self.error = error

    def wait(self) -> None:
        """Raise what the function raises, or BrokerSilent."""
        self.join(PATIENCE_SECONDS)
        if self.is_alive():
            raise BrokerSilent
        if self.error is not None:
            raise self.error


line = Line()


def nudge(mailbox: str) -> None:
    """Have a mailbox worked by some Celery worker, or say in the log that none was told."""
    known_failures = line.failures
    if not line.may_be_tried():
        return
    try:
        # Celery is an extra, and it may be missing.
        from billing_webhooks import publishing

        # Celery keeps its current app by thread, so it is looked up in this one.
        task = publishing.work_task()
        is_eager = task.app.conf.task_always_eager
        if not is_eager:
            call = Call(partial(publishing.publish, publishing.producers(task.app), task, mailbox))
            call.start()
            call.wait()
    except Exception as error:
        line.close(error, known_failures)
        return
    line.open(known_failures)
    if is_eager:
        task.delay(mailbox)
