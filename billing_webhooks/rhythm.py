"""How often events come, and whether it has been silent for longer than it ever was."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median
from typing import Any

from django.db.models import QuerySet

from billing_webhooks.conf import settings
from billing_webhooks.database import write_alias
from billing_webhooks.models import WebhookEvent

# Of an alias, so many of its latest events say what is usual.
EVENTS_LOOKED_AT = 300
# From fewer nothing can be said.
EVENTS_NEEDED = 10
SHORTEST_SILENCE = timedelta(minutes=15)
# Nights and weekends come again. Of a busy alias, its latest events may all be of this hour.
AGAIN_AFTER = (timedelta(days=1), timedelta(days=7))


@dataclass(frozen=True)
class Rhythm:
    """
    The gaps between the latest events of an alias, and the last of these; times are aware.

    None where there is no such thing. The longest gap may be one of a day or a week ago.
    """

    known: int = 0
    last_key: Any = None
    last_at: datetime | None = None
    usual_gap: timedelta | None = None
    longest_gap: timedelta | None = None

    def silence(self, now: datetime) -> timedelta | None:
        """Return for how long nothing has come; None if nothing ever did."""
        return None if self.last_at is None else now - self.last_at

    def is_silent(self, now: datetime) -> bool:
        """
        Return whether the silence is an unusual one.

        It is held against the longest gap, so that no night and no weekend is; by
        BILLING_WEBHOOKS_HEALTH_SILENCE_FACTOR, with which as 0 none is either.
        """
        silence, factor = self.silence(now), settings.HEALTH_SILENCE_FACTOR
        if silence is None or self.longest_gap is None or self.known < EVENTS_NEEDED:
            return False
        return bool(factor) and silence > max(factor * self.longest_gap, SHORTEST_SILENCE)


def rhythm(provider: str, now: datetime) -> Rhythm:
    """
    Return the rhythm in which an alias's events come, by one query of an index.

    For one that seems to be silent it is four more, for how it was a day and a week ago.
    """
    events = WebhookEvent._base_manager.using(write_alias()).filter(provider=provider)
    found = _latest(events)
    if not found.is_silent(now) or found.last_at is None or found.longest_gap is None:
        return found
    middle = found.last_at + (now - found.last_at) / 2
    earlier = _gaps_around(events, [middle - ago for ago in AGAIN_AFTER])
    return replace(found, longest_gap=max(found.longest_gap, *earlier))


def _latest(events: QuerySet[WebhookEvent]) -> Rhythm:
    latest = events.order_by("-received_at", "-id").values_list("received_at", "pk")
    found = list(latest[:EVENTS_LOOKED_AT])
    if not found:
        return Rhythm()
    last_at, last_key = found[0]
    gaps = [(later - earlier).total_seconds() for (later, _), (earlier, _) in pairwise(found)]
    return Rhythm(
        known=len(found),
        last_key=last_key,
        last_at=last_at,
        usual_gap=timedelta(seconds=median(gaps)) if gaps else None,
        longest_gap=timedelta(seconds=max(gaps)) if gaps else None,
    )


def _gaps_around(events: QuerySet[WebhookEvent], moments: list[datetime]) -> Iterator[timedelta]:
    """Yield for each moment how long nothing came then; 0 where nothing is known of it."""
    times = events.values_list("received_at", flat=True)
    for moment in moments:
        before = times.filter(received_at__lte=moment).order_by("-received_at", "-id").first()
        after = times.filter(received_at__gt=moment).order_by("received_at", "id").first()
        yield timedelta(0) if before is None or after is None else after - before
