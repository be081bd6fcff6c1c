"""The figures of the inbox, in a number of queries that depends on the aliases alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.db.models import Count, Min, Q, QuerySet

from billing_webhooks import attempts, heartbeats
from billing_webhooks.conf import settings
from billing_webhooks.database import write_alias
from billing_webhooks.models import WebhookEvent
from billing_webhooks.providers import get_provider
from billing_webhooks.rhythm import rhythm
from billing_webhooks.vitals import broker as brokers
from billing_webhooks.vitals.health import AliasHealth, Health
from billing_webhooks.vitals.problems import problems_of

# Somebody may have decided to leave an older dead event as it is.
RECENTLY = timedelta(days=1)
State = WebhookEvent.State
# Of one state. Whoever is told of so many need not know of more, and counting takes its time.
MOST = 100_000


def health(*, broker: bool = False) -> Health:
    """
    Return how the inbox stands now.

    That is five queries, one more with Celery, one for each alias, four more for each that is
    silent, and one for each whose proof takes keys, all of a bounded number of rows. With
    `broker`, Celery's broker is asked too, for half a second at most.
    """
    db = write_alias()
    # By the clock of the database, which tells what is due and when it was swept.
    beats, now = heartbeats.latest(db)
    last_work = beats.get(heartbeats.WORKER)
    stands = Health(
        at=now,
        **_figures(db, now),
        last_sweep=beats.get(heartbeats.SWEEP),
        last_work=last_work,
        unheard_since=_unheard_since(db, last_work),
        broker_answers=brokers.answers() if broker else None,
        aliases=tuple(measured(alias, now) for alias in settings.PROVIDERS),
    )
    return replace(stands, problems=tuple(problems_of(stands)))


def measured(alias: str, now: datetime) -> AliasHealth:
    """Return how an alias stands, be it configured no more; in a query or two."""
    found = AliasHealth(alias, rhythm(alias, now))
    try:
        return replace(found, keys_fetched_at=get_provider(alias).keys_fetched_at)
    except KeyError:
        return found
    except ImproperlyConfigured as error:
        return replace(found, misconfigured=str(error))


def due_figures(db: str) -> dict[str, Any]:
    """Return how many events are `due`, and since when the first is, the `oldest_due`."""
    due = attempts.due(db).order_by("next_attempt_at")[:MOST]
    return due.aggregate(due=Count("pk"), oldest_due=Min("next_attempt_at"))


def _figures(db: str, now: datetime) -> dict[str, Any]:
    is_recent = Q(processed_at__gt=now - RECENTLY)
    return {
        **due_figures(db),
        **_few(db, State.PENDING).aggregate(pending=Count("pk")),
        **_few(db, State.DEAD).aggregate(
            dead=Count("pk"), recently_dead=Count("pk", filter=is_recent)
        ),
        **_few(db, State.QUARANTINED).aggregate(quarantined=Count("pk")),
    }


def _few(db: str, state: str) -> QuerySet[WebhookEvent]:
    """Return the latest that came of what is in a state other than processed."""
    # The first condition is the index's own, which is how a database knows it.
    unprocessed = WebhookEvent._base_manager.using(db).exclude(state=State.PROCESSED)
    return unprocessed.filter(state=state).order_by("-received_at", "-id")[:MOST]


def _unheard_since(db: str, last_work: datetime | None) -> datetime | None:
    """Return when the first event came for which no Celery worker has given a sign."""
    if settings.DISPATCH != "celery":
        return None
    # Nobody is woken for what is kept in quarantine.
    events = WebhookEvent._base_manager.using(db).exclude(state=State.QUARANTINED)
    if last_work is not None:
        # Signs are left once a minute, so one may be too old by that, and all be well.
        events = events.filter(received_at__gt=last_work + heartbeats.BEAT_EVERY)
    return events.order_by("received_at", "id").values_list("received_at", flat=True).first()
