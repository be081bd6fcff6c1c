"""
An attempt at an event: begun, and ended in one of three ways.

The event's row is the whole schedule: whether it is due, how often it was tried, whether
an attempt is under way. The times of the schedule are the database's, because the clocks
of hosts differ.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from django.db.models import Q, QuerySet
from django.utils import timezone

from billing_webhooks.compiled import Recurring, rows, values
from billing_webhooks.conf import settings
from billing_webhooks.database import DatabaseTime
from billing_webhooks.lifecycle import Name, ages, step_of, tell
from billing_webhooks.mailboxes import MailboxTaken, steps_taken, turn
from billing_webhooks.models import WebhookEvent
from billing_webhooks.models.inbox import storable_error

# How often, and how long apart, one looks for a sign of life from a worker that holds no
# lock. A living one is between two steps of its event, which takes milliseconds, or is
# making rows for it, each in a commit of its own that a slow disk may hold up.
LOOKS = 10
PAUSE_SECONDS = 0.2

# Why an attempt ended of which nobody has told.
WORKER_GONE = "worker_gone"

DUE = Q(next_attempt_at__lte=DatabaseTime())
UNDER_WAY = Q(attempt_began_at__isnull=False)


def pending(db: str) -> QuerySet[WebhookEvent]:
    return WebhookEvent._base_manager.using(db).filter(state=WebhookEvent.State.PENDING)


def due(db: str) -> QuerySet[WebhookEvent]:
    """Return the events that are due, those never tried included."""
    return pending(db).filter(DUE)


def begin(db: str, mailbox: str) -> WebhookEvent | None:
    """
    Return the earliest due event of a mailbox, its attempt counted; None without one.

    Counting is committed before anything is tried: an event that kills its worker must
    use up its attempts like any other. Raise MailboxTaken if another worker has the
    mailbox.
    """
    while True:
        with turn(db, mailbox, wait=False):
            found = rows(db, Recurring(_next, (), {"mailbox": mailbox}))
            event: WebhookEvent | None = next(iter(found), None)
            if event is None:
                return None
            if event.attempt_began_at is None:
                if _count(db, event):
                    return event
                continue
        _end_if_worker_is_dead(db, event)


def _next(db: str, *, mailbox: Any) -> QuerySet[WebhookEvent]:
    events = pending(db).filter(DUE | UNDER_WAY, mailbox=mailbox)
    return events.order_by("occurred_at", "sequence")[:1]


def _count(db: str, event: WebhookEvent) -> bool:
    """Return whether the event is still as it was read: a replay takes no mailbox's turn."""
    as_read = pending(db).filter(
        pk=event.pk,
        attempts=event.attempts,
        attempt_began_at=None,
        applied_at=event.applied_at,
        only_receiver=event.only_receiver,
    )
    event.attempts += 1
    event.attempt_began_at = timezone.now()
    counted = as_read.update(
        attempts=event.attempts,
        attempt_began_at=event.attempt_began_at,
        next_attempt_at=DatabaseTime() + longest_wait(event.attempts),
    )
    return counted == 1


@contextmanager
def step(db: str, event: WebhookEvent) -> Iterator[None]:
    """
    Take one step of an attempt: one short transaction under the lock of the mailbox.

    Raise MailboxTaken if the attempt was ended by somebody else meanwhile.
    """
    with turn(db, event.mailbox, wait=True):
        if not _is_current(db, event):
            raise MailboxTaken(event.mailbox)
        yield


def _end_if_worker_is_dead(db: str, event: WebhookEvent) -> None:
    """
    End an attempt that is under way although nobody holds the mailbox.

    Its worker is either between two steps or dead. A step is a sign of life: raise
    MailboxTaken then, so that nobody overtakes the event. No clock is compared, and a
    worker that was thought dead too early finds its attempt ended and leaves.
    """
    seen = steps_taken(db, event.mailbox)
    for _ in range(LOOKS):
        time.sleep(PAUSE_SECONDS)
        _leave_if_somebody_is_at_it(db, event, seen)
    # A long step is seen by its lock, when it is over by what it has counted.
    with turn(db, event.mailbox, wait=False):
        _leave_if_somebody_is_at_it(db, event, seen)
        _end_for_dead_worker(db, event)


def _leave_if_somebody_is_at_it(db: str, event: WebhookEvent, seen: int) -> None:
    if steps_taken(db, event.mailbox) != seen or not _is_current(db, event):
        raise MailboxTaken(event.mailbox)


def _end_for_dead_worker(db: str, event: WebhookEvent) -> None:
    error = f"The worker was not heard of any more in attempt {event.attempts}."
    if event.attempts >= settings.MAX_ATTEMPTS:
        settle(db, event, WebhookEvent.State.DEAD, error, reason=WORKER_GONE)
    else:
        # When it is due again was said when the attempt began.
        if current(db, event).update(attempt_began_at=None, last_error=error):
            _tell(Name.POSTPONED, event, reason=WORKER_GONE, level=logging.ERROR)


def current(db: str, event: WebhookEvent) -> QuerySet[WebhookEvent]:
    """
    Return the event's row, as long as this very attempt at it is under way.

    The attempt is its worker's claim: one that was overtaken changes nothing any more.
    """
    return _attempt(db, pk=event.pk, number=event.attempts, began_at=event.attempt_began_at)


def _is_current(db: str, event: WebhookEvent) -> bool:
    """Return whether the attempt that was begun at an event is still under way."""
    attempt = {"pk": event.pk, "number": event.attempts, "began_at": event.attempt_began_at}
    return bool(values(db, Recurring(_attempt_key, (), attempt)))


def _attempt_key(db: str, **attempt: Any) -> QuerySet[WebhookEvent, Any]:
    return _attempt(db, **attempt).values_list("pk")


def _attempt(db: str, *, pk: Any, number: Any, began_at: Any) -> QuerySet[WebhookEvent]:
    return pending(db).filter(pk=pk, attempts=number, attempt_began_at=began_at)


def postpone(
    db: str,
    event: WebhookEvent,
    error: str,
    *,
    after: timedelta | None = None,
    reason: str = "",
    level: int = logging.INFO,
) -> WebhookEvent.State:
    """
    End an attempt that failed: the event is due again after a backoff, and not before
    `after`, or dead if its attempts are used up. Return which.

    The error is for those who may see it; `reason`, a code, is told to everybody.
    """
    if event.attempts >= settings.MAX_ATTEMPTS:
        settle(db, event, WebhookEvent.State.DEAD, error, reason=reason)
        return WebhookEvent.State.DEAD
    changed = current(db, event).update(
        attempt_began_at=None,
        next_attempt_at=DatabaseTime() + max(backoff(event.attempts), after or timedelta()),
        last_error=storable_error(error),
    )
    if changed:
        _tell(Name.POSTPONED, event, reason=reason, level=level)
    return WebhookEvent.State.PENDING


def settle(
    db: str, event: WebhookEvent, state: WebhookEvent.State, error: str = "", *, reason: str = ""
) -> None:
    """End the last attempt at an event."""
    is_settled = current(db, event).update(
        state=state,
        attempt_began_at=None,
        next_attempt_at=None,
        only_receiver="",
        last_error=storable_error(error),
        processed_at=timezone.now(),
    )
    if is_settled:
        event.state = state
        is_dead = state == WebhookEvent.State.DEAD
        name, level = (Name.DIED, logging.ERROR) if is_dead else (Name.PROCESSED, logging.INFO)
        _tell(name, event, reason=reason, level=level)


def _tell(name: Name, event: WebhookEvent, **facts: Any) -> None:
    now = timezone.now()
    began_at = event.attempt_began_at or now
    seconds = (now - began_at).total_seconds()
    tell(step_of(name, event, seconds=seconds, **ages(event, now), **facts))


def longest_wait(attempts: int) -> timedelta:
    """Return the base, doubled with each attempt after the first, up to the cap."""
    return min(settings.BACKOFF_BASE * (1 << min(attempts - 1, 30)), settings.BACKOFF_CAP)


def backoff(attempts: int) -> timedelta:
    """Return a random part of the longest wait, so that many retries do not come at once."""
    return longest_wait(attempts) * random.random()  # noqa: S311
