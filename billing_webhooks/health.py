"""Whether what should be done in the background is being done."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Max, Min, Q
from django.utils import timezone

from billing_webhooks import attempts
from billing_webhooks.database import write_alias
from billing_webhooks.models import Heartbeat, WebhookEvent
from billing_webhooks.sweeping import HEARTBEAT

# Sweeps run every few seconds, or by cron every few minutes.
LONGEST_SILENCE = timedelta(minutes=15)


@dataclass(frozen=True)
class Health:
    """
    How the inbox stands. Times are aware; None where there is no such thing.

    `problems` says in sentences what somebody has to look at; empty is well.
    """

    due: int
    oldest_due: datetime | None
    pending: int
    dead: int
    quarantined: int
    last_sweep: datetime | None
    problems: tuple[str, ...]


def health() -> Health:
    """Return how the inbox stands now, in two queries."""
    db = write_alias()
    is_pending = Q(state=WebhookEvent.State.PENDING)
    is_due = is_pending & attempts.DUE
    unprocessed = WebhookEvent._base_manager.using(db).exclude(state=WebhookEvent.State.PROCESSED)
    figures = unprocessed.aggregate(
        due=Count("pk", filter=is_due),
        oldest_due=Min("next_attempt_at", filter=is_due),
        pending=Count("pk", filter=is_pending),
        dead=Count("pk", filter=Q(state=WebhookEvent.State.DEAD)),
        quarantined=Count("pk", filter=Q(state=WebhookEvent.State.QUARANTINED)),
    )
    sweeps = Heartbeat._base_manager.using(db).filter(name=HEARTBEAT)
    last_sweep = sweeps.aggregate(at=Max("at"))["at"]
    problems = _problems(figures["oldest_due"], last_sweep, timezone.now())
    return Health(**figures, last_sweep=last_sweep, problems=tuple(problems))


def _problems(oldest_due: datetime | None, last_sweep: datetime | None, now: datetime) -> list[str]:
    problems = []
    if last_sweep is None:
        problems.append(
            "No sweep has ever run, so what failed once is not tried again: schedule the task "
            "billing_webhooks.sweep, or run `manage.py billing_webhooks process --watch`."
        )
    elif now - last_sweep > LONGEST_SILENCE:
        problems.append(f"The last sweep began {_ago(now - last_sweep)}.")
    if oldest_due is not None and now - oldest_due > LONGEST_SILENCE:
        problems.append(f"An event has been due since {_ago(now - oldest_due)}.")
    return problems


def _ago(span: timedelta) -> str:
    return f"{span.total_seconds() / 60:.0f} minutes ago"
