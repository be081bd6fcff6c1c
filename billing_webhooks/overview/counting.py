"""How many events came in each hour and day, and what became of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from typing import Any

from django.db.models import Count, IntegerField, QuerySet, Value
from django.utils import timezone

from billing_webhooks.models import WebhookEvent

HOURS = 24
DAYS = 30

PROCESSED = WebhookEvent.State.PROCESSED.value
# What can become of an event, by the state and, of what is processed, the outcome.
FATES: Mapping[str, tuple[str, str | None]] = {
    "applied": (PROCESSED, WebhookEvent.Outcome.APPLIED.value),
    "superseded": (PROCESSED, WebhookEvent.Outcome.SUPERSEDED.value),
    "no_effect": (PROCESSED, WebhookEvent.Outcome.NO_EFFECT.value),
    "unhandled": (PROCESSED, WebhookEvent.Outcome.UNHANDLED.value),
    "pending": (WebhookEvent.State.PENDING.value, None),
    "dead": (WebhookEvent.State.DEAD.value, None),
    "quarantined": (WebhookEvent.State.QUARANTINED.value, None),
    # Of an event that another version or somebody's own code has marked as done.
    "processed": (PROCESSED, WebhookEvent.Outcome.NONE.value),
}


@dataclass(frozen=True)
class Span:
    """A span of time, its end not included; both are aware, in UTC."""

    begin: datetime
    end: datetime


@dataclass(frozen=True)
class Counts:
    """How many events came in each span, by what became of them."""

    spans: tuple[Span, ...]
    by_fate: Mapping[str, tuple[int, ...]]

    def total(self, fate: str) -> int:
        return sum(self.by_fate[fate])


def hours(now: datetime) -> tuple[Span, ...]:
    """Return the last hours of the clock on the wall, the present one included."""
    begin = timezone.localtime(now).replace(minute=0, second=0, microsecond=0).astimezone(UTC)
    return _spans(begin + timedelta(hours=number) for number in range(1 - HOURS, 2))


def days(now: datetime) -> tuple[Span, ...]:
    """Return the last days from midnight to midnight, today included; not all have 24 hours."""
    zone = timezone.get_current_timezone()
    today = timezone.localtime(now).date()
    dates = (today + timedelta(days=number) for number in range(1 - DAYS, 2))
    return _spans(datetime.combine(date, time.min, zone).astimezone(UTC) for date in dates)


def counted(db: str, aliases: Sequence[str], now: datetime) -> Mapping[str, tuple[Counts, Counts]]:
    """
    Return each alias's counts by the hour and by the day, in one query.

    It reads nothing but an index, and computes nothing for a row: a count of each span,
    all in one statement.
    """
    spans = hours(now) + days(now)
    events = WebhookEvent._base_manager.using(db).filter(provider__in=aliases).order_by()
    first, *others = (_counts(events, number, span) for number, span in enumerate(spans))
    numbers = {alias: {fate: [0] * len(spans) for fate in FATES} for alias in aliases}
    for number, alias, state, outcome, count in first.union(*others, all=True):
        numbers[alias][fate_of(state, outcome)][number] += count
    return {alias: _split(spans, by_fate) for alias, by_fate in numbers.items()}


def fate_of(state: str, outcome: str) -> str:
    """Return what has become of an event."""
    return (outcome or state) if state == PROCESSED else state


def _spans(bounds: Iterable[datetime]) -> tuple[Span, ...]:
    return tuple(Span(begin, end) for begin, end in pairwise(bounds))


def _counts(
    events: QuerySet[WebhookEvent], number: int, span: Span
) -> QuerySet[WebhookEvent, tuple[Any, ...]]:
    found = events.filter(received_at__gte=span.begin, received_at__lt=span.end)
    return (
        found.values("provider", "state", "outcome")
        .annotate(number=Value(number, IntegerField()), count=Count("*"))
        .values_list("number", "provider", "state", "outcome", "count")
    )


def _split(spans: tuple[Span, ...], by_fate: Mapping[str, Sequence[int]]) -> tuple[Counts, Counts]:
    by_hour = {fate: tuple(numbers[:HOURS]) for fate, numbers in by_fate.items()}
    by_day = {fate: tuple(numbers[HOURS:]) for fate, numbers in by_fate.items()}
    return Counts(spans[:HOURS], by_hour), Counts(spans[HOURS:], by_day)
