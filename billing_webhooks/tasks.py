"""
What Celery runs, found by its autodiscovery; needs the extra `celery`.

A task carries a key at most, never a payload: what is to be done stands in the database, so a
task that is lost, repeated or late does no harm.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from celery import shared_task

from billing_webhooks import heartbeats, processing, pruning, sweeping

# Then a task leaves the rest to the next sweep, so that a worker that is told to stop need
# not work off a whole backlog first.
LONGEST_SECONDS = 20.0


# Acknowledged late, and refused when the pool loses a process, a wake-up is delivered again
# after a crash; by Redis, if the whole worker died, after its visibility timeout only, an hour
# by default. The sweep does not wait for that.
@shared_task(
    name="billing_webhooks.work", ignore_result=True, acks_late=True, reject_on_worker_lost=True
)
def work(mailbox: str) -> None:
    """Work off the due events of a mailbox."""
    heartbeats.beat_of_worker()
    processing.work(mailbox, stop=_time_is_up())


# Without a mailbox: one message then does for all that has come meanwhile, and a worker takes
# what is due from the database, many at a time.
@shared_task(
    name="billing_webhooks.work_due", ignore_result=True, acks_late=True, reject_on_worker_lost=True
)
def work_due() -> None:
    """Work off everything that is due now: what a request has just stored, and what else."""
    heartbeats.beat_of_worker()
    sweeping.work_due(stop=_time_is_up())


@shared_task(name="billing_webhooks.sweep", ignore_result=True)
def sweep() -> None:
    """Work off everything that is due."""
    heartbeats.beat_of_worker()
    sweeping.sweep(stop=_time_is_up())


@shared_task(name="billing_webhooks.prune", ignore_result=True)
def prune() -> None:
    """Drop the contents of events that are older than BILLING_WEBHOOKS_RETENTION."""
    pruning.prune()


def _time_is_up() -> Callable[[], bool]:
    end = time.monotonic() + LONGEST_SECONDS
    return lambda: time.monotonic() > end
