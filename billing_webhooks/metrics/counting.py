"""Which step in the life of an event moves which counter and histogram."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress

from django.core.exceptions import ImproperlyConfigured
from prometheus_client import Histogram

from billing_webhooks.conf import settings
from billing_webhooks.lifecycle import Name, Step
from billing_webhooks.metrics import instruments
from billing_webhooks.metrics.labels import (
    OTHER,
    alias_label,
    reason_label,
    receiver_label,
)
from billing_webhooks.providers import told_type

# Why a delivery that may be genuine is refused: alerts ask for them.
OURS = ("database_unavailable", "internal_error", "keys_unavailable", "misconfigured", "not_stored")
# What a receiver may do beside raising an error of its own.
ON_PURPOSE = frozenset({"retry_later", "given_up"})


class CountingObserver:
    """Counts what it is told."""

    def hears(self, name: Name, level: int) -> bool:
        return name in COUNTS

    def told(self, step: Step) -> None:
        COUNTS[step.name](step, alias_label(step.provider))


counting_observer = CountingObserver()


def begin_at_zero() -> None:
    """
    Show what has not happened yet: an alert cannot see the first of what was not there.

    At a scrape, not at the start: where counts are kept in files, each process that has one
    leaves one behind, and most commands count nothing.
    """
    with suppress(ImproperlyConfigured):
        for alias in settings.PROVIDERS:
            for counter in (
                instruments.repeated,
                instruments.contradicted,
                instruments.quarantined,
                instruments.dead,
            ):
                counter.labels(alias)
            for result in ("processed", "postponed", "died"):
                instruments.attempts.labels(alias, result)
            for reason in OURS:
                instruments.refused.labels(alias, reason)


def _received(step: Step, alias: str) -> None:
    instruments.received.labels(alias, told_type(step.provider, step.event_type)).inc()
    _take(instruments.accept_seconds, alias, step.seconds)


def _repeated(step: Step, alias: str) -> None:
    instruments.repeated.labels(alias).inc()
    _take(instruments.accept_seconds, alias, step.seconds)


def _contradicted(step: Step, alias: str) -> None:
    instruments.contradicted.labels(alias).inc()
    _take(instruments.accept_seconds, alias, step.seconds)


def _quarantined(step: Step, alias: str) -> None:
    instruments.quarantined.labels(alias).inc()
    _take(instruments.accept_seconds, alias, step.seconds)


def _refused(step: Step, alias: str) -> None:
    instruments.refused.labels(alias, reason_label(step.reason)).inc()


def _processed(step: Step, alias: str) -> None:
    event_type = told_type(step.provider, step.event_type)
    instruments.attempts.labels(alias, "processed").inc()
    instruments.processed.labels(alias, event_type, step.outcome).inc()
    _take(instruments.since_occurred, alias, step.since_occurred)
    _take(instruments.since_received, alias, step.since_received)


def _postponed(step: Step, alias: str) -> None:
    instruments.attempts.labels(alias, "postponed").inc()


def _died(step: Step, alias: str) -> None:
    instruments.attempts.labels(alias, "died").inc()
    instruments.dead.labels(alias).inc()


def _receiver_succeeded(step: Step, alias: str) -> None:
    _take(instruments.receiver_seconds, receiver_label(step.receiver), step.seconds)


def _receiver_failed(step: Step, alias: str) -> None:
    receiver = receiver_label(step.receiver)
    reason = step.reason if step.reason in ON_PURPOSE else "error"
    instruments.receiver_failures.labels(receiver, reason).inc()
    _take(instruments.receiver_seconds, receiver, step.seconds)


def _keys_fetched(step: Step, alias: str) -> None:
    instruments.key_set_fetches.labels(alias, "fetched").inc()


def _keys_not_fetched(step: Step, alias: str) -> None:
    instruments.key_set_fetches.labels(alias, "failed").inc()


def _take(histogram: Histogram, label: str, seconds: float | None) -> None:
    if seconds is not None:
        # A provider's clock may be ahead of ours.
        histogram.labels(label or OTHER).observe(max(seconds, 0.0))


COUNTS: Mapping[Name, Callable[[Step, str], None]] = {
    Name.ACCEPTED: _received,
    Name.REPEATED: _repeated,
    Name.CONTRADICTED: _contradicted,
    Name.QUARANTINED: _quarantined,
    Name.REJECTED: _refused,
    Name.PROCESSED: _processed,
    Name.POSTPONED: _postponed,
    Name.DIED: _died,
    Name.RECEIVER_SUCCEEDED: _receiver_succeeded,
    Name.RECEIVER_FAILED: _receiver_failed,
    Name.KEYS_FETCHED: _keys_fetched,
    Name.KEYS_NOT_FETCHED: _keys_not_fetched,
}
