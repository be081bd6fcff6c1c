"""
All that happened to a customer, newest first, a page at a time.

Events, what they changed, their receivers' work, and links to users are one sequence. A
page begins where the one before it ended, by time and key and not by a count, so nothing
is told twice or left out when something new happens meanwhile.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeAlias, overload
from uuid import UUID

from django.apps import apps
from django.contrib.auth import get_user_model
from django.db import router
from django.db.models import Q, QuerySet
from django.db.models.functions import Coalesce

from billing_webhooks.models.inbox import WebhookEvent
from billing_webhooks.models.names import Names
from billing_webhooks.models.runs import ReceiverRun
from billing_webhooks.models.telling import Item, items_of, of_link

if TYPE_CHECKING:
    from billing_webhooks.models.customers import Customer

# What an event is kept in order by that has not been applied: as intake writes it.
SUBJECTS = ("customer", "organization")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
CURSOR = re.compile(r"([0-9]{1,17})\.(event\.[0-9a-f]{32}|link\.[0-9]{1,18})")

LARGE = ("body", "confirmation", "headers")
TIMES = {"event": "received_at", "link": "created_at"}

# When, "event" or "link", and its key: the place of what happened in the sequence.
Place: TypeAlias = tuple[datetime, str, Any]


@dataclass(frozen=True)
class Page(Sequence[Item]):
    """
    A page of a timeline, newest first; of each event the event, its changes and its runs.

    `next` is what to give as `before` for the page after it, None if this is the last.
    """

    items: tuple[Item, ...]
    next: str | None

    def __len__(self) -> int:
        return len(self.items)

    @overload
    def __getitem__(self, index: int) -> Item: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[Item, ...]: ...

    def __getitem__(self, index: int | slice) -> Item | tuple[Item, ...]:
        return self.items[index]

    def as_dict(self) -> dict[str, Any]:
        """Return the page as JSON can hold it."""
        return {"items": [item.as_dict() for item in self.items], "next": self.next}


def page(customer: Customer, before: str | None = None, limit: int = 50) -> Page:
    """
    Return the page of a customer's timeline that `before` begins, of at most `limit` events
    and links, each event with all that belongs to it.

    A fixed number of queries, whatever the size. Raise ValueError for what is no cursor,
    for a limit below 1, and for a customer that is not stored.
    """
    if limit < 1:
        raise ValueError(f"A page has at least one event, not {limit}.")
    if customer.pk is None:
        raise ValueError("The customer has to be stored before it has a timeline.")
    start = None if before is None else place_of(before)
    db = router.db_for_read(WebhookEvent, instance=customer)
    found = [
        row
        for rows in (_events(customer, db), _unapplied(customer, db), _links(customer, db))
        for row in _older(rows, start)[: limit + 1]
    ]
    found.sort(key=_place, reverse=True)
    shown, rest = found[:limit], found[limit:]
    return Page(tuple(_items(db, shown)), cursor_of(_place(shown[-1])) if rest else None)


def cursor_of(place: Place) -> str:
    """Return a place in the sequence as text."""
    at, kind, key = place
    name = key.hex if isinstance(key, UUID) else key
    return f"{(at - EPOCH) // timedelta(microseconds=1)}.{kind}.{name}"


def place_of(cursor: str) -> Place:
    """Return the place that a cursor names, or raise ValueError."""
    match = CURSOR.fullmatch(str(cursor))
    if match is None:
        raise ValueError("This is no cursor of a timeline: give the `next` of a page.")
    kind, _, key = match[2].partition(".")
    at = EPOCH + timedelta(microseconds=int(match[1]))
    return at, kind, UUID(key) if kind == "event" else int(key)


def _place(row: Any) -> Place:
    kind = _kind(type(row))
    return getattr(row, TIMES[kind]), kind, row.pk


def _kind(model: type) -> str:
    return "event" if issubclass(model, WebhookEvent) else "link"


def _events(customer: Customer, db: str) -> QuerySet[WebhookEvent]:
    return WebhookEvent._base_manager.using(db).filter(customer=customer.pk).defer(*LARGE)


def _unapplied(customer: Customer, db: str) -> QuerySet[WebhookEvent]:
    """Return the events that wait in the customer's mailboxes, or were given up there."""
    mailboxes = [
        f"{customer.provider}:{subject}:{name}"
        for name in customer.identities.using(db).values_list("value", flat=True)
        for subject in SUBJECTS
    ]
    # Not by the index of customers: of nobody's events, those of unknown types may be many.
    events = WebhookEvent._base_manager.using(db).alias(whose=Coalesce("customer_id", 0))
    unapplied = events.filter(whose=0, mailbox__in=mailboxes)
    return unapplied.exclude(state=WebhookEvent.State.PROCESSED).defer(*LARGE)


def _links(customer: Customer, db: str) -> QuerySet[Any]:
    links = apps.get_model("billing_webhooks", "CustomerLink")
    return links._base_manager.using(db).filter(customer=customer.pk)


def _older(rows: QuerySet[Any], start: Place | None) -> QuerySet[Any]:
    """Return what comes after a place in the sequence, newest first."""
    kind = _kind(rows.model)
    time = TIMES[kind]
    rows = rows.order_by(f"-{time}", "-pk")
    if start is None:
        return rows
    at, start_kind, key = start
    if kind > start_kind:
        return rows.filter(**{f"{time}__lt": at})
    rows = rows.filter(**{f"{time}__lte": at})
    return rows.filter(Q(**{f"{time}__lt": at}) | Q(pk__lt=key)) if kind == start_kind else rows


def _items(db: str, rows: Sequence[Any]) -> Iterator[Item]:
    events = [row for row in rows if isinstance(row, WebhookEvent)]
    runs = _runs(db, events)
    names = Names(db, (entry for event in events for entry in event.changes if "model" in entry))
    users = _users(row.user_id for row in rows if not isinstance(row, WebhookEvent))
    for row in rows:
        if isinstance(row, WebhookEvent):
            yield from items_of(row, runs[row.pk], names)
        else:
            yield of_link(row, users.get(row.user_id))


def _runs(db: str, events: Sequence[WebhookEvent]) -> dict[UUID, list[ReceiverRun]]:
    runs: dict[UUID, list[ReceiverRun]] = defaultdict(list)
    of_events = ReceiverRun._base_manager.using(db).filter(event__in=[each.pk for each in events])
    for run in of_events.order_by("pk"):
        runs[run.event_id].append(run)
    return runs


def _users(keys: Iterable[Any]) -> dict[Any, Any]:
    """Return users by their keys, from the database they are in."""
    wanted = set(keys)
    return get_user_model()._base_manager.in_bulk(wanted) if wanted else {}
