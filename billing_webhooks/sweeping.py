"""Everything that is due, found and worked: what no wake-up came for, or came in vain."""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta

from django.db import DatabaseError, IntegrityError, close_old_connections
from django.db.models import Q

from billing_webhooks import attempts
from billing_webhooks.database import (
    DatabaseTime,
    close_if_broken,
    savepoint_if_in_transaction,
    write_alias,
)
from billing_webhooks.models import Heartbeat
from billing_webhooks.processing import work

logger = logging.getLogger(__name__)

EVENTS_PER_QUERY = 100
HEARTBEAT = "sweep"


def sweep(*, limit: int | None = None, stop: Callable[[], bool] = lambda: False) -> int:
    """
    Work off what is due, the oldest first, and return how many events that were.

    Any number may run beside each other and beside workers. A mailbox that cannot be
    worked is told of in the log and left for the next sweep.
    """
    db = write_alias()
    _beat(db)
    worked = 0
    for mailbox in _mailboxes(db):
        if stop() or (limit is not None and worked >= limit):
            break
        try:
            worked += work(mailbox, limit=None if limit is None else limit - worked, stop=stop)
        except Exception as error:
            logger.error("Mailbox %s failed with %s.", mailbox, type(error).__name__)
            close_if_broken(db)
    return worked


def watch(
    stop: threading.Event,
    *,
    every: timedelta,
    limit: int | None = None,
    tell: Callable[[int], None] = lambda worked: None,
) -> None:
    """
    Sweep until `stop` is set or `limit` events are worked off, telling after each sweep how many.

    A database that is away is waited for.
    """
    worked = 0
    while not stop.is_set() and (limit is None or worked < limit):
        found = 0
        try:
            found = sweep(limit=None if limit is None else limit - worked, stop=stop.is_set)
        except DatabaseError as error:
            logger.error("The sweep failed with %s.", type(error).__name__)
        worked += found
        tell(worked)
        close_old_connections()
        if not found:
            stop.wait(every.total_seconds())


def _mailboxes(db: str) -> Iterator[str]:
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
        yield from mailboxes
        _, moment, pk = page[-1]
        after = Q(next_attempt_at__gt=moment) | Q(next_attempt_at=moment, pk__gt=pk)


def _beat(db: str) -> None:
    """Leave a sign that sweeps are run: `health` misses it."""
    heartbeats = Heartbeat._base_manager.using(db)
    if not heartbeats.filter(name=HEARTBEAT).update(at=DatabaseTime()):
        try:
            with savepoint_if_in_transaction(db):
                Heartbeat(name=HEARTBEAT, at=DatabaseTime()).save(using=db, force_insert=True)
        except IntegrityError:
            logger.debug("Another sweep has left its sign first.")
