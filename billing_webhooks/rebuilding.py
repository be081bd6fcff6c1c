"""
What the stored events alone would make of the billing rows, held against those there are.

The events are projected anew under an alias of its own, in a transaction that is rolled
back: nobody else sees those rows, and no row of theirs is locked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from django.db import models, transaction
from django.db.models import Q, QuerySet

from billing_webhooks import projection
from billing_webhooks.database import write_alias
from billing_webhooks.models import (
    Customer,
    CustomerIdentity,
    Invoice,
    Payment,
    Plan,
    PlanIdentity,
    Subscription,
    UsageRecord,
    WebhookEvent,
)
from billing_webhooks.processing import read
from billing_webhooks.projection import Reading
from billing_webhooks.providers import get_provider

EVENTS_PER_BATCH = 100
# No alias of a project's: it could not stand in a URL.
SCRATCH = "/rebuilt/"
MODELS: tuple[type[models.Model], ...] = (
    Customer,
    Plan,
    Subscription,
    Payment,
    Invoice,
    UsageRecord,
)
# What does not come from events, or tells nothing of what they said.
NOT_COMPARED = frozenset({"id", "provider", "registers", "created_at", "updated_at", "user"})

Columns: TypeAlias = dict[str, Any]
Name: TypeAlias = tuple[str, str]


@dataclass(frozen=True)
class Difference:
    """
    A field that events alone would fill otherwise.

    `row` is what the provider calls it. A row that only one side has is told as its
    field "", where the other side has None.
    """

    model: str
    row: str
    field: str
    live: Any
    rebuilt: Any


@dataclass
class Rebuilt:
    """What came of a rebuild; `unreadable` are ids of events that say nothing readable."""

    events: int = 0
    unreadable: list[str] = field(default_factory=list)
    pruned: int = 0
    differences: list[Difference] = field(default_factory=list)


def rebuild(alias: str, *, tell: Callable[[int], None] = lambda events: None) -> Rebuilt:
    """
    Project all stored events of an alias into fresh rows and compare them with the live ones.

    Events not applied yet are left out, and of those that were pruned nothing is left to
    read. `tell` is called with the number of events done. Nothing is changed; the
    transaction lasts as long as it takes, and on SQLite nobody else can write meanwhile.
    """
    db = write_alias()
    result = Rebuilt()
    with transaction.atomic(using=db):
        try:
            for batch in _batches(alias):
                _project(db, alias, batch, result)
                tell(result.events)
            live, rebuilt = _rows(db, alias), _rows(db, SCRATCH)
        finally:
            transaction.set_rollback(True, using=db)
    result.differences = list(_differences(live, rebuilt))
    return result


def events_of(alias: str) -> QuerySet[WebhookEvent]:
    """Return the events that a rebuild of an alias reads: all whose effect is expected by now."""
    return (
        WebhookEvent._base_manager.using(write_alias())
        .filter(provider=alias)
        .exclude(state=WebhookEvent.State.QUARANTINED)
        .exclude(state=WebhookEvent.State.PENDING, applied_at=None)
    )


def _batches(alias: str) -> Iterator[list[WebhookEvent]]:
    events = events_of(alias).order_by("pk")
    after = Q()
    while batch := list(events.filter(after)[:EVENTS_PER_BATCH]):
        yield batch
        after = Q(pk__gt=batch[-1].pk)


def _project(db: str, alias: str, batch: Sequence[WebhookEvent], result: Rebuilt) -> None:
    provider = get_provider(alias)
    readings: list[tuple[WebhookEvent, Reading]] = []
    for event in batch:
        result.events += 1
        if event.pruned_at is not None:
            result.pruned += 1
            continue
        try:
            readings.append((event, read(event, provider)))
        except Exception:
            # Whatever is wrong with it, live it was not applied either.
            result.unreadable.append(str(event.pk))
    _apply(db, readings, result)


def _apply(db: str, readings: Sequence[tuple[WebhookEvent, Reading]], result: Rebuilt) -> None:
    """Apply a batch; one that fails is split until the bad event stands alone."""
    batch = [reading for _, reading in readings]
    try:
        with transaction.atomic(using=db):
            resolution = projection.prepare(db, SCRATCH, batch)
            projection.apply(db, SCRATCH, batch, resolution)
    except Exception:
        if len(readings) == 1:
            result.unreadable.append(str(readings[0][0].pk))
            return
        middle = len(readings) // 2
        _apply(db, readings[:middle], result)
        _apply(db, readings[middle:], result)


def _rows(db: str, alias: str) -> dict[Name, Columns]:
    """Return the columns of every billing row of an alias, by model and what it is called."""
    names: dict[Any, dict[Any, str]] = {
        Customer: _identities(db, alias, CustomerIdentity),
        Plan: _identities(db, alias, PlanIdentity),
        Subscription: dict(
            Subscription._base_manager.using(db)
            .filter(provider=alias)
            .values_list("pk", "external_id")
        ),
    }
    rows: dict[Name, Columns] = {}
    for model in MODELS:
        for row in model._base_manager.using(db).filter(provider=alias):
            columns = {
                field.name: _value(row, field, names)
                for field in model._meta.concrete_fields
                if field.name not in NOT_COMPARED
            }
            rows[str(model._meta.verbose_name), _name(row, names)] = columns
    return rows


def _identities(db: str, alias: str, model: type[models.Model]) -> dict[Any, str]:
    """Return what rows are called: all their names, by primary key."""
    names: dict[Any, list[str]] = {}
    found = model._base_manager.using(db).filter(provider=alias).order_by("kind", "value")
    for row, kind, value in found.values_list("row_id", "kind", "value"):
        names.setdefault(row, []).append(f"{kind}:{value}")
    return {row: " ".join(each) for row, each in names.items()}


def _name(row: Any, names: dict[Any, dict[Any, str]]) -> str:
    return names[type(row)].get(row.pk, "") if type(row) in names else str(row.identity)


def _value(row: Any, field: Any, names: dict[Any, dict[Any, str]]) -> Any:
    """Return a column's value; a foreign key as what its row is called."""
    if not field.is_relation:
        return getattr(row, field.name)
    return names[field.related_model].get(getattr(row, field.attname))


def _differences(live: dict[Name, Columns], rebuilt: dict[Name, Columns]) -> Iterator[Difference]:
    for model, row in sorted({*live, *rebuilt}):
        old, new = live.get((model, row)), rebuilt.get((model, row))
        if old is None or new is None:
            yield Difference(model, row, "", old and "exists", new and "exists")
            continue
        for name, value in old.items():
            if value != new[name]:
                yield Difference(model, row, name, value, new[name])
