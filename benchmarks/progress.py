"""How far and how fast the events of a backlog were worked off, from what the rows say."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from billing_webhooks.models import WebhookEvent


@dataclass(frozen=True)
class Progress:
    """
    When a quarter of what was done was done, and all of it.

    `rate` is how many events a second were done. What was done first is not counted, as
    nobody knows when it was begun.
    """

    rate: float
    quarter: datetime
    last: datetime


def progress() -> Progress:
    """Return how it went; raise RuntimeError if it did not."""
    done = WebhookEvent._base_manager.filter(processed_at__isnull=False)
    moments = done.values_list("processed_at", flat=True)
    times = sorted(moment for moment in moments if moment is not None)
    if not times or times[0] == times[-1]:
        raise RuntimeError(f"{len(times)} events were worked off at once: that says nothing.")
    later = sum(moment > times[0] for moment in times)
    seconds = (times[-1] - times[0]).total_seconds()
    return Progress(later / seconds, times[len(times) // 4], times[-1])
