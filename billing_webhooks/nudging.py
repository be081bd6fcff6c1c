"""
A wake-up by Celery: it costs a request next to nothing, and no loss if it fails.

To send a message takes longer than to store an event, and a broker may be down, silent,
full or half installed, and Celery's own ways then wait for seconds or for ever. So a
request rings a bell, and a thread of its process tells the workers that something is due:
at once, then once for all that has rung meanwhile. What nobody was told of the sweep finds.
"""

from __future__ import annotations

import atexit
import contextvars
import os
import threading
import time
from typing import Any

from billing_webhooks.harmless import get_logger

logger = get_logger(__name__)

# Between two messages of one process: many events are one message, and none waits long.
PAUSE_SECONDS = 0.1
# So long a broker may take, and a process that ends waits for it.
PATIENCE_SECONDS = 0.5
REST_SECONDS = 30.0
LOOK_SECONDS = 0.005


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

    @property
    def is_closed(self) -> bool:
        return time.monotonic() < self.closed_until

    def may_be_tried(self) -> bool:
        if self.is_closed:
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


class Bell(threading.Thread):
    """
    The thread that tells workers, while requests go on.

    One that its broker keeps for too long is left alone, because looking up a name has no
    timeout, and one for each read of a socket does not end an answer that trickles. It ends
    when another has taken its place.
    """

    def __init__(self) -> None:
        super().__init__(name="billing_webhooks.nudging", daemon=True)
        self._task: Any = None
        self._rung = threading.Event()
        self._is_last = threading.Event()
        # Held while workers are told.
        self.telling = threading.Lock()
        self._known_failures = 0
        self._began_at: float | None = None

    def ring(self, task: Any = None) -> None:
        """Have workers told by this task that something is due, soon."""
        self._task = task
        # Asking takes no lock.
        if not self._rung.is_set():
            self._rung.set()

    def run(self) -> None:
        while self._rung.wait() and _bells.get(os.getpid()) is self:
            self._known_failures = line.failures
            self._began_at = time.monotonic()
            # Before the message goes out: whoever rings from now on is in the next one.
            self._rung.clear()
            # Whoever started the thread, or let a message down, leaves nothing in the next one.
            with self.telling:
                contextvars.Context().run(self._tell)
            self._began_at = None
            self._is_last.wait(PAUSE_SECONDS)

    def finish(self) -> None:
        """Wait, but not for long, until nothing is left to be told."""
        self._is_last.set()
        end = time.monotonic() + PATIENCE_SECONDS
        while self._is_busy and not line.is_closed and time.monotonic() < end:
            time.sleep(LOOK_SECONDS)

    def leave_if_stuck(self) -> None:
        """Let another bell take its place if the broker has kept this one for too long."""
        began_at = self._began_at
        if began_at is not None and time.monotonic() - began_at > PATIENCE_SECONDS:
            line.close(BrokerSilent(), self._known_failures)
            _bells.pop(os.getpid(), None)
            # So that it ends, once its broker lets it.
            self._rung.set()

    @property
    def _is_busy(self) -> bool:
        return self._rung.is_set() or self._began_at is not None

    def _tell(self) -> None:
        if not line.may_be_tried():
            return
        try:
            from billing_webhooks import publishing

            publishing.publish(publishing.producers(self._task.app), self._task)
        except Exception as error:
            line.close(error, self._known_failures)
        else:
            line.open(self._known_failures)


line = Line()
# By process: after a fork the parent's is there, and its thread is not.
_bells: dict[int, Bell] = {}


def nudge(mailbox: str) -> None:
    """Have some Celery worker look for what is due, or say in the log that none was told."""
    if (bell := _bells.get(os.getpid())) is not None:
        bell.leave_if_stuck()
    if line.is_closed:
        return
    known_failures = line.failures
    try:
        # Celery is an extra, and it may be missing.
        from billing_webhooks import publishing

        # Celery keeps its current app by thread, so it is looked up in this one.
        task = publishing.work_due_task()
        is_eager = task.app.conf.task_always_eager
        if not is_eager:
            _bell().ring(task)
    except Exception as error:
        line.close(error, known_failures)
        return
    if is_eager:
        publishing.work_task().delay(mailbox)


def _bell() -> Bell:
    """Return this process's bell, its thread running."""
    known = _bells.get(os.getpid())
    if known is not None:
        return known
    made = Bell()
    made.start()
    known = _bells.setdefault(os.getpid(), made)
    if known is not made:
        # Another request was first; a bell that is nobody's ends when it is rung.
        made.ring()
    return known


_forking = threading.local()


def _before_fork() -> None:
    """
    Let a message come to its end first, unless it takes too long.

    What the thread is about to import would stay half a module in the child, for ever.
    """
    bell = _bells.get(os.getpid())
    if bell is not None and bell.telling.acquire(timeout=PATIENCE_SECONDS):
        _forking.held = bell.telling


def _after_fork() -> None:
    held = getattr(_forking, "held", None)
    if held is not None:
        _forking.held = None
        held.release()


os.register_at_fork(before=_before_fork, after_in_parent=_after_fork, after_in_child=_after_fork)


@atexit.register
def _finish() -> None:
    if (bell := _bells.get(os.getpid())) is not None:
        bell.finish()
