"""
Refusals that people can see: told at a limited rate, counted in memory, written now and then.

Anybody can cause refusals by the thousand, so one costs no query. A thread of its own
writes what has come together, a few seconds later, and then pauses.
"""

from __future__ import annotations

import threading
import time
from collections import Counter, defaultdict, deque
from dataclasses import dataclass
from datetime import UTC, date, datetime

from django.db import Error, IntegrityError, connections, transaction
from django.db.models import F
from django.utils import timezone

from billing_webhooks.conf import settings
from billing_webhooks.database import savepoint_if_in_transaction, write_alias
from billing_webhooks.harmless import get_logger
from billing_webhooks.models import Refusal, RefusalCount
from billing_webhooks.providers.paths import printable
from billing_webhooks.signals import delivery_refused

logger = get_logger(__name__)

LOGGED_IN_SECONDS = 10.0
WRITE_AFTER_SECONDS = 1.0
WRITE_EVERY_SECONDS = 10.0
# Of one alias and reason, between two writes: a flood of one must not hide another.
LATEST_OF_EACH = 10
MAX_ADDRESS_LENGTH = 64


@dataclass(frozen=True)
class Refused:
    """One refused delivery; `size` is the announced length of its body."""

    provider: str
    reason: str
    at: datetime
    remote_address: str
    size: int | None

    @classmethod
    def now(cls, provider: str, reason: str, remote_address: str, size: int | None) -> Refused:
        address = printable(remote_address, MAX_ADDRESS_LENGTH)
        return cls(provider, reason, timezone.now(), address, size)

    @property
    def kind(self) -> tuple[str, str]:
        return self.provider, self.reason

    @property
    def day(self) -> date:
        return self.at.astimezone(UTC).date()


@dataclass
class Lines:
    """How many lines about one kind of refusal were written since when, and how many not."""

    since: float
    written: int = 0
    suppressed: int = 0


class Ledger:
    """Refusals since they were last written."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.forget()

    def forget(self) -> None:
        """Begin anew, as a process that has refused nothing."""
        self._lines: dict[tuple[str, str], Lines] = {}
        self._counts: Counter[tuple[str, str, date]] = Counter()
        self._last: dict[tuple[str, str, date], datetime] = {}
        self._latest: dict[tuple[str, str], deque[Refused]] = _empty()
        self._is_writing = False
        self._write_at = 0.0

    def note(self, refused: Refused) -> int | None:
        """
        Count a refusal.

        Return None if it is not to be told, because many like it have just been, else how
        many were not since the last one that was.
        """
        with self._lock:
            self._count(refused)
            suppressed = self._suppressed(refused.kind)
        if suppressed is not None:
            delivery_refused.send_robust(
                sender=None,
                provider=refused.provider,
                reason=refused.reason,
                remote_address=refused.remote_address,
                size=refused.size,
                suppressed=suppressed,
            )
        return suppressed

    def write(self) -> None:
        """Write what has come together; what cannot be written now is kept for the next time."""
        with self._lock:
            counts, last, latest = self._counts, self._last, self._latest
            self._counts, self._last, self._latest = Counter(), {}, _empty()
        try:
            with transaction.atomic(using=write_alias()):
                # In one order, or two processes could wait for each other.
                for (provider, reason, day), count in sorted(counts.items()):
                    _add(provider, reason, day, count, last[provider, reason, day])
                _keep([refused for each in latest.values() for refused in each])
        except Error as error:
            logger.warning("Refusals cannot be written now: %s.", type(error).__name__)
            with self._lock:
                self._counts.update(counts)
                self._last = {**last, **self._last}

    def _count(self, refused: Refused) -> None:
        if settings.REFUSALS_KEPT <= 0:
            return
        key = (*refused.kind, refused.day)
        self._counts[key] += 1
        self._last[key] = refused.at
        self._latest[refused.kind].append(refused)
        if not self._is_writing:
            threading.Thread(target=self._write_soon, daemon=True).start()
            self._is_writing = True

    def _suppressed(self, kind: tuple[str, str]) -> int | None:
        now = time.monotonic()
        lines = self._lines.get(kind)
        if lines is None or now - lines.since > LOGGED_IN_SECONDS:
            suppressed = 0 if lines is None else lines.suppressed
            self._lines[kind] = Lines(now, written=1)
            return suppressed
        if lines.written < settings.REFUSALS_LOGGED:
            lines.written += 1
            return 0
        lines.suppressed += 1
        return None

    def _write_soon(self) -> None:
        time.sleep(max(WRITE_AFTER_SECONDS, self._write_at - time.monotonic()))
        with self._lock:
            # Before it writes, so that whatever comes from now on is written by another.
            self._is_writing = False
            self._write_at = time.monotonic() + WRITE_EVERY_SECONDS
        try:
            self.write()
        finally:
            connections.close_all()


def _empty() -> dict[tuple[str, str], deque[Refused]]:
    return defaultdict(lambda: deque(maxlen=LATEST_OF_EACH))


def _add(provider: str, reason: str, day: date, count: int, at: datetime) -> None:
    alias = write_alias()
    rows = RefusalCount._base_manager.using(alias)
    known = rows.filter(provider=provider, reason=reason, day=day)
    if known.update(count=F("count") + count, last_at=at):
        return
    try:
        with savepoint_if_in_transaction(alias):
            rows.create(provider=provider, reason=reason, day=day, count=count, last_at=at)
    except IntegrityError:
        # Another process has just made it.
        known.update(count=F("count") + count, last_at=at)


def _keep(latest: list[Refused]) -> None:
    """Keep these, and of all that are kept the latest."""
    rows = Refusal._base_manager.using(write_alias())
    rows.bulk_create(
        Refusal(
            provider=each.provider,
            reason=each.reason,
            at=each.at,
            remote_address=each.remote_address,
            size=each.size,
        )
        for each in sorted(latest, key=lambda each: each.at)
    )
    newest = rows.order_by("-id").values_list("pk", flat=True)
    most = max(settings.REFUSALS_KEPT, 1)
    oldest_kept = newest[most - 1 : most].first()
    if oldest_kept is not None:
        rows.filter(pk__lt=oldest_kept).delete()


# Of this process.
ledger = Ledger()
