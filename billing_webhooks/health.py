"""Whether what should be done in the background is being done."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Max, Min, Q
from django.utils import timezone
from django.utils.timesince import timesince
from django.utils.translation import gettext as _

from billing_webhooks import attempts
from billing_webhooks.database import write_alias
from billing_webhooks.models import Heartbeat, WebhookEvent
from billing_webhooks.sweeping import HEARTBEAT

# Sweeps run every few seconds, or by cron every few minutes.
LONGEST_SILENCE = timedelta(minutes=15)
# Somebody may have decided to leave an older dead event as it is.
RECENTLY = timedelta(days=1)


@dataclass(frozen=True)
class Problem:
    """Something that somebody has to look at, in a sentence; `about` is a word for programs."""

    about: str
    text: str
    alias: str = ""


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
    recently_dead: int
    quarantined: int
    last_sweep: datetime | None
    found: tuple[Problem, ...]

    @property
    def problems(self) -> tuple[str, ...]:
        return tuple(problem.text for problem in self.found)


def health() -> Health:
    """Return how the inbox stands now, in two queries."""
    db = write_alias()
    now = timezone.now()
    is_pending = Q(state=WebhookEvent.State.PENDING)
    is_due = is_pending & attempts.DUE
    is_dead = Q(state=WebhookEvent.State.DEAD)
    unprocessed = WebhookEvent._base_manager.using(db).exclude(state=WebhookEvent.State.PROCESSED)
    figures = unprocessed.aggregate(
        due=Count("pk", filter=is_due),
        oldest_due=Min("next_attempt_at", filter=is_due),
        pending=Count("pk", filter=is_pending),
        dead=Count("pk", filter=is_dead),
        recently_dead=Count("pk", filter=is_dead & Q(processed_at__gt=now - RECENTLY)),
        quarantined=Count("pk", filter=Q(state=WebhookEvent.State.QUARANTINED)),
    )
    sweeps = Heartbeat._base_manager.using(db).filter(name=HEARTBEAT)
    last_sweep = sweeps.aggregate(at=Max("at"))["at"]
    found = _problems(now, last_sweep, figures["oldest_due"], figures["recently_dead"])
    return Health(**figures, last_sweep=last_sweep, found=tuple(found))


def _problems(
    now: datetime, last_sweep: datetime | None, oldest_due: datetime | None, recently_dead: int
) -> Iterator[Problem]:
    if last_sweep is None:
        text = _(
            "No sweep has ever run, so what failed once is not tried again: schedule the task "
            "billing_webhooks.sweep, or run `manage.py billing_webhooks process --watch`."
        )
        yield Problem("sweep", text)
    elif now - last_sweep > LONGEST_SILENCE:
        text = _("No sweep has run for %(span)s.")
        yield Problem("sweep", text % {"span": _span(last_sweep, now)})
    if oldest_due is not None and now - oldest_due > LONGEST_SILENCE:
        text = _("An event has been due for %(span)s, and nobody works it.")
        yield Problem("due", text % {"span": _span(oldest_due, now)})
    if recently_dead:
        text = _(
            "Died in the last 24 hours: %(count)d. Read their last_error, and replay them "
            "when its cause is gone."
        )
        yield Problem("dead", text % {"count": recently_dead})


def _span(since: datetime, now: datetime) -> str:
    # The spaces of Django's text do not break.
    return timesince(since, now, depth=2).replace("\N{NO-BREAK SPACE}", " ")
