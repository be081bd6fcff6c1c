"""How far and how fast the events of a backlog were worked off, from what the rows say."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from billing_webhooks.models import WebhookEvent


@dataclass(frozen=True)
class Progress:
    """
    When a quarter of what was done was done, and all of it.

    `rate` is how many events were done in a second while the middle half was: before it a
    second process may not have begun, and after it one may have nothing left to do.
    """

    rate: float
    quarter: datetime
    last: datetime


def progress(since: datetime) -> Progress:
    """
    Return how it went; raise RuntimeError if nothing was done.

    What was all done in one commit is told from `since` on.
    """
    done = WebhookEvent._base_manager.filter(processed_at__isnull=False)
    moments = done.values_list("processed_at", flat=True)
    times = sorted(moment for moment in moments if moment is not None)
    if not times:
        raise RuntimeError("No event was worked off: that says nothing.")
    first, last = (times[len(times) * quarters // 4] for quarters in (1, 3))
    begin = first if first < last else since
    middle = sum(begin < moment <= last for moment in times)
    return Progress(middle / (last - begin).total_seconds(), first, times[-1])
