"""
An attempt at an event: begun, and ended in one of three ways.

The event's row is the whole schedule: whether it is due, how often it was tried, whether
an attempt is under way. The times of the schedule are the database's, because the clocks
of hosts differ.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.db.models import Q, QuerySet
from django.utils import timezone

from billing_webhooks.conf import settings
from billing_webhooks.database import DatabaseTime
from billing_webhooks.mailboxes import MailboxTaken, steps_taken, turn
from billing_webhooks.models import WebhookEvent
from billing_webhooks.models.inbox import storable_error

# How often, and how long apart, one looks for a sign of life from a worker that holds no
# lock. A living one is between two steps of its event, which takes milliseconds, or is
# making rows for it, each in a commit of its own that a slow disk may hold up.
LOOKS = 10
PAUSE_SECONDS = 0.2

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
            events = pending(db).filter(DUE | UNDER_WAY, mailbox=mailbox)
            event = events.order_by("occurred_at", "sequence").first()
            if event is None:
                return None
            if event.attempt_began_at is None:
                if _count(db, event):
                    return event
                continue
        _end_if_worker_is_dead(db, event)


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
        if not current(db, event).exists():
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
    if steps_taken(db, event.mailbox) != seen or not current(db, event).exists():
        raise MailboxTaken(event.mailbox)


def _end_for_dead_worker(db: str, event: WebhookEvent) -> None:
    error = f"The worker was not heard of any more in attempt {event.attempts}."
    if event.attempts >= settings.MAX_ATTEMPTS:
        settle(db, event, WebhookEvent.State.DEAD, error)
    else:
        # When it is due again was said when the attempt began.
        current(db, event).update(attempt_began_at=None, last_error=error)


def current(db: str, event: WebhookEvent) -> QuerySet[WebhookEvent]:
    """
    Return the event's row, as long as this very attempt at it is under way.

    The attempt is its worker's claim: one that was overtaken changes nothing any more.
    """
    return pending(db).filter(
        pk=event.pk, attempts=event.attempts, attempt_began_at=event.attempt_began_at
    )


def postpone(
    db: str, event: WebhookEvent, error: str, *, after: timedelta | None = None
) -> WebhookEvent.State:
    """
    End an attempt that failed: the event is due again after a backoff, and not before
    `after`, or dead if its attempts are used up. Return which.
    """
    if event.attempts >= settings.MAX_ATTEMPTS:
        settle(db, event, WebhookEvent.State.DEAD, error)
        return WebhookEvent.State.DEAD
    current(db, event).update(
        attempt_began_at=None,
        next_attempt_at=DatabaseTime() + max(backoff(event.attempts), after or timedelta()),
        last_error=storable_error(error),
    )
    return WebhookEvent.State.PENDING


def settle(db: str, event: WebhookEvent, state: WebhookEvent.State, error: str = "") -> None:
    """End the last attempt at an event."""
    current(db, event).update(
        state=state,
        attempt_began_at=None,
        next_attempt_at=None,
        only_receiver="",
        last_error=storable_error(error),
        processed_at=timezone.now(),
    )


def longest_wait(attempts: int) -> timedelta:
    """Return the base, doubled with each attempt after the first, up to the cap."""
    return min(settings.BACKOFF_BASE * (1 << min(attempts - 1, 30)), settings.BACKOFF_CAP)


def backoff(attempts: int) -> timedelta:
    """Return a random part of the longest wait, so that many retries do not come at once."""
    return longest_wait(attempts) * random.random()  # noqa: S311
