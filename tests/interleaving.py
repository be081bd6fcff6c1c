"""
Workers in threads, of which one at a time runs, in an order that the test gives.

A worker pauses wherever it is in no transaction: before it begins one, and before each
statement outside of any. Nobody holds a lock there, so what happens depends on the order
alone. Receivers may pause too, and then hold the lock of their mailbox: who waits for a
lock is left waiting, and the next one runs.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from enum import Enum
from itertools import chain, repeat
from typing import Any

from django.db import connection

from tests.operations import BEGIN, COMMIT, ROLLBACK, observed

# Who has not come to a pause by then waits for a lock of the database. If not, two run
# at once for a while, which does no harm.
BLOCKED_AFTER_SECONDS = 0.2
PATIENCE_SECONDS = 60

_here = threading.local()


class Death(BaseException):
    """The worker's process ends here; no `except Exception` hears of it."""


class State(Enum):
    PAUSED = "paused"
    RUNNING = "running"
    DONE = "done"


class Worker:
    """A thread that runs from pause to pause, and dies in its Nth."""

    def __init__(self, stage: threading.Condition, job: Callable[[], Any], dies_in: int) -> None:
        self.stage = stage
        self.job = job
        self.dies_in = dies_in
        self.pauses = 0
        self.state = State.RUNNING
        self.error: BaseException | None = None
        self.thread = threading.Thread(target=self._live, daemon=True)

    def pause(self) -> None:
        """Let others run until it is this one's turn again."""
        self._enter(State.PAUSED)
        with self.stage:
            self.stage.wait_for(lambda: self.state is State.RUNNING)
        self.pauses += 1
        if self.pauses == self.dies_in:
            raise Death

    def go_on(self) -> None:
        """Let it run to its next pause or its end, or until it waits for a lock."""
        self._enter(State.RUNNING)
        self.stage.wait_for(lambda: self.state is not State.RUNNING, BLOCKED_AFTER_SECONDS)

    def _live(self) -> None:
        _here.worker = self
        try:
            with observed(connection, self._see):
                self.pause()
                self.job()
        except Death:
            pass
        except BaseException as error:
            self.error = error
        finally:
            connection.close()
            self._enter(State.DONE)

    def _see(self, operation: str) -> None:
        ends_one = operation in {COMMIT, ROLLBACK}
        if operation == BEGIN or not (connection.in_atomic_block or ends_one):
            self.pause()

    def _enter(self, state: State) -> None:
        with self.stage:
            self.state = state
            self.stage.notify_all()


def pause() -> None:
    """Pause where a worker is not made to by itself; elsewhere than in a worker do nothing."""
    worker: Worker | None = getattr(_here, "worker", None)
    if worker is not None:
        worker.pause()


def interleave(
    jobs: Sequence[Callable[[], Any]], order: Iterable[int] = (), *, deaths: Sequence[int] = ()
) -> list[int]:
    """
    Do jobs at once: run them, by their numbers, in this order from pause to pause, and in
    the end one after the other.

    The nth of `deaths` is the pause in which the nth job's worker dies, 0 for none. Return
    how many pauses each has made; raise the first error there was.
    """
    stage = threading.Condition(threading.RLock())
    dying = [*deaths, *(0 for _ in jobs)]
    workers = [Worker(stage, *each) for each in zip(jobs, dying, strict=False)]
    with stage:
        for worker in workers:
            worker.thread.start()
        _conduct(stage, workers, order)
    for worker in workers:
        worker.thread.join()
        if worker.error is not None:
            raise worker.error
    return [worker.pauses for worker in workers]


def _conduct(stage: threading.Condition, workers: Sequence[Worker], order: Iterable[int]) -> None:
    def all_have_come() -> bool:
        return State.RUNNING not in {worker.state for worker in workers}

    def somebody_is_paused_or_all_are_done() -> bool:
        states = {worker.state for worker in workers}
        return State.PAUSED in states or states == {State.DONE}

    assert stage.wait_for(all_have_come, PATIENCE_SECONDS)
    for number in chain(order, repeat(None)):
        assert stage.wait_for(somebody_is_paused_or_all_are_done, PATIENCE_SECONDS)
        paused = [worker for worker in workers if worker.state is State.PAUSED]
        if not paused:
            return
        if number is None:
            paused[0].go_on()
        elif workers[number] in paused:
            workers[number].go_on()
