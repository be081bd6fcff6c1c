"""Signs that what has to run now and then does run: a row for each, renewed once a minute."""

from __future__ import annotations

import time
from datetime import datetime, timedelta

from django.db import IntegrityError
from django.utils import timezone

from billing_webhooks.conf import settings
from billing_webhooks.database import DatabaseTime, savepoint_if_in_transaction, write_alias
from billing_webhooks.harmless import get_logger
from billing_webhooks.models import Heartbeat

logger = get_logger(__name__)

SWEEP = "sweep"
WORKER = "worker"
# A sign every few seconds would be one more write each time for nothing.
BEAT_EVERY = timedelta(minutes=1)

# When this process last looked after a sign of its own, by the monotonic clock.
_looked_at: dict[str, float] = {}


def beat(db: str, name: str, every: timedelta = BEAT_EVERY) -> None:
    """Leave a sign of what has a name, unless there is a fresh one."""
    beats = Heartbeat._base_manager.using(db).filter(name=name)
    if not beats.filter(at__gt=DatabaseTime() - every).exists() and not beats.update(
        at=DatabaseTime()
    ):
        try:
            with savepoint_if_in_transaction(db):
                Heartbeat(name=name, at=DatabaseTime()).save(using=db, force_insert=True)
        except IntegrityError:
            logger.debug("Another process has left the sign of %s first.", name)


def beat_of_worker() -> None:
    """
    Leave a sign that a Celery worker takes tasks, where it is Celery that works events off.

    A process looks after it once a minute, so that most tasks need no query for it.
    """
    now = time.monotonic()
    looked_at = _looked_at.get(WORKER)
    is_fresh = looked_at is not None and now - looked_at < BEAT_EVERY.total_seconds()
    if is_fresh or settings.DISPATCH != "celery":
        return
    beat(write_alias(), WORKER)
    _looked_at[WORKER] = now


def latest(db: str) -> tuple[dict[str, datetime], datetime]:
    """
    Return when each sign was last left, and the time by the same clock; one query.

    Without any sign it is the time of this host.
    """
    beats = Heartbeat._base_manager.using(db).annotate(now=DatabaseTime())
    found = list(beats.values_list("name", "at", "now"))
    now = found[0][2] if found else timezone.now()
    return {name: at for name, at, _ in found}, now
