"""
How the inbox stands, asked of the database when somebody scrapes.

A count of each process would not do: what is pending is the same for all. No answer costs
more than a bounded number of rows, and one does for all scrapes of a few seconds.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import datetime

from django.db import Error, connections
from django.db.models import Count, Q
from prometheus_client import REGISTRY
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from billing_webhooks import heartbeats
from billing_webhooks.conf import settings
from billing_webhooks.database import close_if_broken, write_alias
from billing_webhooks.metrics.instruments import NAMESPACE
from billing_webhooks.metrics.labels import OTHER
from billing_webhooks.models import WebhookEvent
from billing_webhooks.vitals.measuring import MOST, due_figures, measured

logger = logging.getLogger(__name__)

KEEP_SECONDS = 5.0
STATES = (
    WebhookEvent.State.PENDING,
    WebhookEvent.State.DEAD,
    WebhookEvent.State.QUARANTINED,
)


class Standing(Collector):
    """Gauges of the inbox."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._found: list[GaugeMetricFamily] = []
        self._ask_at = 0.0

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """Return the gauges without a value: registering them asks no database."""
        return _Gauges().all()

    def collect(self) -> Iterable[GaugeMetricFamily]:
        with self._lock:
            if time.monotonic() >= self._ask_at:
                self._found = _gauges()
                self._ask_at = time.monotonic() + KEEP_SECONDS
            return self._found

    def forget(self) -> None:
        """Ask anew at the next scrape."""
        self._ask_at = 0.0


# Of this process.
standing = Standing()


def register() -> None:
    """Let a scrape of the default registry tell how the inbox stands."""
    # What is registered twice is refused, and Django may be set up twice.
    with suppress(ValueError):
        REGISTRY.register(standing)


class _Gauges:
    def __init__(self) -> None:
        self.readable = _gauge("inbox_readable", "Whether the inbox could be asked.")
        self.events = _gauge("events", "Events that are not worked off.", "provider", "state")
        self.due = _gauge("due_events", "Events that somebody should be working now.")
        self.oldest_due = _gauge("oldest_due_seconds", "For how long an event has been due.")
        self.sweep = _gauge("sweep_age_seconds", "Since the last sign of a sweep.")
        self.worker = _gauge("worker_age_seconds", "Since the last sign of a Celery worker.")
        self.last = _gauge("last_event_age_seconds", "Since the last event came.", "provider")
        self.silent = _gauge("silent", "Whether nothing has come for unusually long.", "provider")
        self.keys = _gauge("key_set_age_seconds", "Since the keys were fetched.", "provider")

    def all(self) -> list[GaugeMetricFamily]:
        return list(vars(self).values())


def _gauge(name: str, text: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"{NAMESPACE}_{name}", text, labels=labels)


def _gauges() -> list[GaugeMetricFamily]:
    """Return the gauges, without values but one if the database cannot be asked."""
    db = write_alias()
    was_open = connections[db].connection is not None
    gauges = _Gauges()
    try:
        _fill(gauges, db)
    except Error as error:
        logger.warning("The inbox cannot be read for a scrape: %s.", type(error).__name__)
        gauges = _Gauges()
        gauges.readable.add_metric([], 0)
    else:
        gauges.readable.add_metric([], 1)
    finally:
        if not was_open:
            # A server of metrics has threads of its own, whose connections nobody else closes.
            connections[db].close()
        close_if_broken(db)
    return gauges.all()


def _fill(gauges: _Gauges, db: str) -> None:
    signs, now = heartbeats.latest(db)
    aliases = sorted(settings.PROVIDERS)
    for state in STATES:
        for alias, count in _counts(db, state, aliases):
            gauges.events.add_metric([alias, state.value], count)
    figures = due_figures(db)
    gauges.due.add_metric([], figures["due"])
    gauges.oldest_due.add_metric([], _age(figures["oldest_due"], now) or 0.0)
    _add_age(gauges.sweep, [], signs.get(heartbeats.SWEEP), now)
    _add_age(gauges.worker, [], signs.get(heartbeats.WORKER), now)
    for alias in aliases:
        stands = measured(alias, now)
        _add_age(gauges.last, [alias], stands.rhythm.last_at, now)
        gauges.silent.add_metric([alias], float(stands.rhythm.is_silent(now)))
        _add_age(gauges.keys, [alias], stands.keys_fetched_at, now)


def _counts(db: str, state: str, aliases: list[str]) -> Iterator[tuple[str, int]]:
    # The first condition is the index's own, which is how a database knows it.
    unprocessed = WebhookEvent._base_manager.using(db).exclude(state=WebhookEvent.State.PROCESSED)
    # Without an order, or all would be sorted to be cut off.
    events = unprocessed.filter(state=state).order_by()[:MOST]
    counts = {
        f"of_{number}": Count("pk", filter=Q(provider=alias))
        for number, alias in enumerate(aliases)
    }
    found = events.aggregate(every=Count("pk"), **counts)
    known = [found[name] for name in counts]
    yield from zip(aliases, known, strict=True)
    yield OTHER, found["every"] - sum(known)


def _add_age(
    gauge: GaugeMetricFamily, labels: list[str], moment: datetime | None, now: datetime
) -> None:
    age = _age(moment, now)
    if age is not None:
        gauge.add_metric(labels, age)


def _age(moment: datetime | None, now: datetime) -> float | None:
    """Return seconds; what is ahead, because clocks differ, is new."""
    return None if moment is None else max((now - moment).total_seconds(), 0.0)
