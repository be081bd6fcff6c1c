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

from billing_webhooks import confirming, projection
from billing_webhooks.database import batches, is_transient, write_alias
from billing_webhooks.differences import (
    IDENTITIES,
    Difference,
    Name,
    Names,
    all_names_of,
    names_of,
    value_of,
)
from billing_webhooks.models import (
    Customer,
    Invoice,
    Payment,
    Plan,
    Subscription,
    UsageRecord,
    WebhookEvent,
)
from billing_webhooks.projection import Reading
from billing_webhooks.providers import get_provider
from billing_webhooks.reading import read

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
NOT_COMPARED = frozenset({"id", "provider", "registers", "created_at", "updated_at"})

Columns: TypeAlias = dict[str, Any]


@dataclass
class Rebuilt:
    """
    What came of a rebuild.

    The old values of the `differences` are the live ones. `unreadable` are ids of events
    that say nothing readable.
    """

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
            for model in MODELS:
                result.differences += _differences(db, alias, model)
        finally:
            transaction.set_rollback(True, using=db)
    return result


def events_of(alias: str) -> QuerySet[WebhookEvent]:
    """Return the events that a rebuild of an alias reads: all whose effect is expected by now."""
    never_applied = Q(state=WebhookEvent.State.PENDING, outcome=WebhookEvent.Outcome.NONE)
    return (
        WebhookEvent._base_manager.using(write_alias())
        .filter(provider=alias)
        .exclude(state=WebhookEvent.State.QUARANTINED)
        .exclude(never_applied)
    )


def _batches(alias: str) -> Iterator[list[WebhookEvent]]:
    events = events_of(alias).defer("headers", "changes", "last_error")
    return batches(events, EVENTS_PER_BATCH)


def _project(db: str, alias: str, batch: Sequence[WebhookEvent], result: Rebuilt) -> None:
    provider = get_provider(alias)
    readings: list[tuple[WebhookEvent, Reading]] = []
    for event in batch:
        if confirming.is_owed(event, provider):
            # Nobody has confirmed it, so live it was not applied either.
            continue
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
        # Two steps as in live processing: the rows that an event means are made in any case.
        with transaction.atomic(using=db):
            resolution = projection.prepare(db, SCRATCH, batch)
        with transaction.atomic(using=db):
            projection.apply(db, SCRATCH, batch, resolution)
    except Exception as error:
        if is_transient(error):
            raise
        if len(readings) == 1:
            result.unreadable.append(str(readings[0][0].pk))
            return
        middle = len(readings) // 2
        _apply(db, readings[:middle], result)
        _apply(db, readings[middle:], result)


def _differences(db: str, alias: str, model: type[models.Model]) -> Iterator[Difference]:
    kind = str(model._meta.verbose_name)
    live, rebuilt = _rows(db, alias, model), _rows(db, SCRATCH, model)
    for row in sorted({*live, *rebuilt}):
        old, new = live.get(row), rebuilt.get(row)
        if old is None:
            yield Difference(kind, row, "", None, row)
        elif new is None:
            yield Difference(kind, row, "", row, None)
        else:
            yield from (
                Difference(kind, row, name, value, new[name])
                for name, value in old.items()
                if value != new[name]
            )


def _rows(db: str, alias: str, model: type[models.Model]) -> dict[Name, Columns]:
    """Return the columns of every billing row of an alias, by what it is called."""
    rows = model._base_manager.using(db).filter(provider=alias)
    fields = [each for each in model._meta.concrete_fields if each.name not in NOT_COMPARED]
    related: dict[Any, Names] = {}
    for each in fields:
        if each.is_relation:
            target: Any = each.related_model
            related[target] = names_of(target._base_manager.using(db).filter(provider=alias))
    names = names_of(rows)
    found: dict[Name, Columns] = {}
    for row in rows.values("pk", *(each.attname for each in fields)).iterator():
        columns = {each.name: value_of(each, row[each.attname], related) for each in fields}
        found[names[row["pk"]]] = columns
    if model in IDENTITIES:
        for pk, all_names in all_names_of(rows).items():
            found[names[pk]]["names"] = ", ".join(all_names)
    return found
