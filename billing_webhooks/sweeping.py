"""Everything that is due, found and worked: what no wake-up came for, or came in vain, and jobs."""

from __future__ import annotations

import gc
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.db import Error, close_old_connections
from django.db.models import Q

from billing_webhooks import attempts, jobs
from billing_webhooks.batching import work_together
from billing_webhooks.database import close_if_broken, write_alias
from billing_webhooks.harmless import get_logger
from billing_webhooks.heartbeats import BEAT_EVERY, SWEEP, beat
from billing_webhooks.mailboxes import MailboxTaken
from billing_webhooks.processing import work_next

logger = get_logger(__name__)

EVENTS_PER_QUERY = 1000
EVENTS_TOGETHER = 500
# As many objects as a batch may hold, of which few are garbage that only a search finds.
OBJECTS_BETWEEN_COLLECTIONS = 50_000
# Then it is the turn of events again.
JOBS_SECONDS = 5.0
# How soon a pause ends when somebody asks for it.
LONGEST_SLEEP_SECONDS = 0.2


def sweep(
    *,
    limit: int | None = None,
    stop: Callable[[], bool] = lambda: False,
    tell: Callable[[int], None] = lambda worked: None,
) -> int:
    """
    Do what is to be done now and then: work off what is due, and jobs; leave a sign of it.

    Return how many events that were; for the arguments see `work_due`.
    """
    db = write_alias()
    beat_at = _beat(db)

    def beat_again() -> None:
        nonlocal beat_at
        if time.monotonic() - beat_at > BEAT_EVERY.total_seconds():
            beat_at = _beat(db)

    worked = work_due(limit=limit, stop=stop, tell=tell, between=beat_again)
    if worked != limit:
        _work_jobs(stop)
    return worked


@contextmanager
def few_collections() -> Iterator[None]:
    """
    Let the garbage collector search seldom.

    It would go through a batch again and again, and through all code that is loaded: a
    fifth of a drain's whole time.
    """
    often, *seldom = gc.get_threshold()
    # Zero is never; and of several threads only the first has something to restore.
    if not 0 < often < OBJECTS_BETWEEN_COLLECTIONS:
        yield
        return
    gc.set_threshold(OBJECTS_BETWEEN_COLLECTIONS, *seldom)
    try:
        yield
    finally:
        gc.set_threshold(often, *seldom)


@few_collections()
def work_due(
    *,
    limit: int | None = None,
    stop: Callable[[], bool] = lambda: False,
    tell: Callable[[int], None] = lambda worked: None,
    between: Callable[[], None] = lambda: None,
) -> int:
    """
    Work off what is due, the oldest first, and return how many events that were.

    Any number may run beside each other and beside workers. A mailbox that cannot be
    worked is told of in the log and left for the next time. `stop` is asked between two
    batches of events, and `tell` called with the number of those worked off.
    """
    db = write_alias()
    pages = _pages(db)
    unharmed: set[str] = set()
    worked = 0
    unseen: list[str] = []
    unfinished: list[str] = []
    # Who has many events waits until the others have had their turn.
    while mailboxes := unseen or list(dict.fromkeys([*unfinished, *next(pages, [])])):
        most = EVENTS_TOGETHER if limit is None else min(EVENTS_TOGETHER, limit - worked)
        if most <= 0 or stop():
            break
        unfinished = unfinished if unseen else []
        batched = work_together(db, mailboxes, most, unharmed=unharmed)
        worked += batched.settled
        tell(worked)
        unseen = batched.unseen
        unfinished += batched.more
        for mailbox in batched.alone:
            if worked == limit or stop():
                return worked
            if _work_next(db, mailbox):
                worked += 1
                tell(worked)
                unfinished.append(mailbox)
        between()
    return worked


def watch(
    stop: Callable[[], bool],
    *,
    every: timedelta,
    limit: int | None = None,
    tell: Callable[[int], None] = lambda worked: None,
) -> int:
    """
    Sweep until `stop` says so or `limit` events are worked off, and return how many were.

    `every` is the pause when nothing was due. A database that is away is waited for.
    """
    worked = found = 0

    def count(number: int) -> None:
        nonlocal found
        found = number
        tell(worked + found)

    while not stop() and (limit is None or worked < limit):
        found = 0
        try:
            sweep(limit=None if limit is None else limit - worked, stop=stop, tell=count)
        except Error as error:
            logger.error("The sweep failed with %s.", type(error).__name__)
        worked += found
        close_old_connections()
        if not found:
            tell(worked)
            _pause(every, stop)
    return worked


def _work_next(db: str, mailbox: str) -> int:
    try:
        return work_next(db, mailbox)
    except MailboxTaken:
        logger.info("Mailbox %s is being worked by somebody else.", mailbox)
    except Exception as error:
        logger.error("Mailbox %s failed with %s.", mailbox, type(error).__name__)
        close_if_broken(db)
    return 0


def _work_jobs(stop: Callable[[], bool]) -> None:
    """Work what people have asked for, but not for so long that new events would wait."""
    end = time.monotonic() + JOBS_SECONDS
    jobs.work_open(stop=lambda: stop() or time.monotonic() > end)


def _pages(db: str) -> Iterator[list[str]]:
    """
    Yield the mailboxes of the events that are due, page by page, each once a page.

    Those of one page come in random order, so that several sweeps seldom meet.
    """
    after = Q()
    while True:
        events = attempts.due(db).filter(after).order_by("next_attempt_at", "pk")
        page = list(events.values_list("mailbox", "next_attempt_at", "pk")[:EVENTS_PER_QUERY])
        if not page:
            return
        mailboxes = list({mailbox for mailbox, _, _ in page})
        random.shuffle(mailboxes)
        yield mailboxes
        _, moment, pk = page[-1]
        # The first condition says nothing new, but it is one for the index.
        after = Q(next_attempt_at__gte=moment) & (Q(next_attempt_at__gt=moment) | Q(pk__gt=pk))


def _beat(db: str) -> float:
    """
    Leave a sign that sweeps are run, which `health` misses otherwise.

    Return when, by the monotonic clock.
    """
    beat(db, SWEEP, BEAT_EVERY)
    return time.monotonic()


def _pause(span: timedelta, stop: Callable[[], bool]) -> None:
    """Wait, in short sleeps: a signal does not cut one short, it only lets `stop` know."""
    end = time.monotonic() + span.total_seconds()
    while not stop() and (left := end - time.monotonic()) > 0:
        time.sleep(min(left, LONGEST_SLEEP_SECONDS))
