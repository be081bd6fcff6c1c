"""What is not done, what was refused, and which receivers fail: the few among the many."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.db.models import Max, Sum

from billing_webhooks.models import ReceiverRun, RefusalCount, WebhookEvent
from billing_webhooks.wording import last_line

# Nobody reads on to the last of more, and counting them would take its time.
MAX_COUNTED = 10_000
MAX_RECEIVERS = 50
REFUSALS_OF = timedelta(days=7)

UNDONE = tuple(state for state in WebhookEvent.State if state != WebhookEvent.State.PROCESSED)


@dataclass(frozen=True)
class Undone:
    """
    How many events of an alias are in a state, and the one that came first.

    If `is_capped`, there are at least so many.
    """

    count: int = 0
    is_capped: bool = False
    oldest_key: Any = None
    oldest_at: datetime | None = None


@dataclass(frozen=True)
class Refused:
    """How many deliveries were refused for a reason since a day (in UTC), and when the last."""

    reason: str
    count: int
    since: date
    last_at: datetime


@dataclass(frozen=True)
class FailingReceiver:
    """
    A receiver that has not succeeded, for a signal: how often, and since when.

    If `is_capped`, it is at least so often. `error` is the line of the latest traceback
    that says what went wrong, and `run_key` its run.
    """

    receiver: str
    signal: str
    count: int
    is_capped: bool
    first_at: datetime
    last_at: datetime
    run_key: Any
    error: str


def undone(db: str, state: str) -> Mapping[str, Undone]:
    """Return what is in a state other than processed, by alias; the oldest by a partial index."""
    events = WebhookEvent._base_manager.using(db)
    # The first condition is the index's own, which is how a database knows it.
    few = events.exclude(state=WebhookEvent.State.PROCESSED).filter(state=state)
    oldest_first = few.order_by("received_at", "id").values_list("provider", "pk", "received_at")
    found = list(oldest_first[: MAX_COUNTED + 1])
    is_capped = len(found) > MAX_COUNTED
    by_alias = defaultdict(list)
    for provider, key, received_at in found[:MAX_COUNTED]:
        by_alias[provider].append((key, received_at))
    undone = {alias: Undone(len(each), is_capped, *each[0]) for alias, each in by_alias.items()}
    return defaultdict(lambda: Undone(0, is_capped), undone)


def refused(db: str, now: datetime) -> Mapping[str, tuple[Refused, ...]]:
    """Return the refusals of the last days, by alias, the most frequent first."""
    since = (now - REFUSALS_OF).astimezone(UTC).date() + timedelta(days=1)
    rows = RefusalCount._base_manager.using(db).filter(day__gte=since).order_by()
    found = rows.values_list("provider", "reason").annotate(Sum("count"), Max("last_at"))
    by_alias: dict[str, list[Refused]] = defaultdict(list)
    for provider, reason, count, last_at in found:
        by_alias[provider].append(Refused(reason, int(count), since, last_at))
    return {
        alias: tuple(sorted(each, key=lambda refused: (-refused.count, refused.reason)))
        for alias, each in by_alias.items()
    }


def failing(db: str) -> tuple[FailingReceiver, ...]:
    """Return the receivers that fail, the one that did last first; two queries."""
    runs = ReceiverRun._base_manager.using(db)
    few = runs.exclude(state=ReceiverRun.State.SUCCEEDED).order_by("-updated_at", "-id")
    found = list(few.values_list("receiver", "signal", "pk", "updated_at")[: MAX_COUNTED + 1])
    is_capped = len(found) > MAX_COUNTED
    by_receiver: dict[tuple[str, str], list[tuple[Any, datetime]]] = defaultdict(list)
    for receiver, signal, key, updated_at in found[:MAX_COUNTED]:
        by_receiver[receiver, signal].append((key, updated_at))
    latest = dict([*by_receiver.items()][:MAX_RECEIVERS])
    errors = _errors(db, [each[0][0] for each in latest.values()])
    return tuple(
        FailingReceiver(
            receiver=receiver,
            signal=signal,
            count=len(each),
            is_capped=is_capped,
            first_at=each[-1][1],
            last_at=each[0][1],
            run_key=each[0][0],
            error=last_line(errors.get(each[0][0], "")),
        )
        for (receiver, signal), each in latest.items()
    )


def _errors(db: str, keys: Sequence[Any]) -> Mapping[Any, str]:
    rows = ReceiverRun._base_manager.using(db).filter(pk__in=keys)
    return dict(rows.values_list("pk", "last_error"))
