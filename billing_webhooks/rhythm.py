"""How often events come, and whether it has been silent for longer than it ever was."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median
from typing import Any

from billing_webhooks.database import write_alias
from billing_webhooks.models import WebhookEvent

# Of an alias, so many of its latest events say what is usual.
EVENTS_LOOKED_AT = 300
# From fewer nothing can be said.
EVENTS_NEEDED = 10
LONGER_THAN_EVER = 2
SHORTEST_SILENCE = timedelta(minutes=15)


@dataclass(frozen=True)
class Rhythm:
    """
    The gaps between the latest events of an alias, and the last of these; times are aware.

    None where there is no such thing.
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

        It is held against the longest gap, so that no night and no weekend is.
        """
        silence = self.silence(now)
        if silence is None or self.longest_gap is None or self.known < EVENTS_NEEDED:
            return False
        return silence > max(LONGER_THAN_EVER * self.longest_gap, SHORTEST_SILENCE)


def rhythm(provider: str) -> Rhythm:
    """Return the rhythm in which an alias's events come, by one query of an index."""
    events = WebhookEvent._base_manager.using(write_alias()).filter(provider=provider)
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
