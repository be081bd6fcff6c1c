"""The rows that a batch of events is about, loaded and locked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db import DatabaseError, connections
from django.db.models import F, QuerySet

from billing_webhooks.facts import Key
from billing_webhooks.models import Customer, Plan
from billing_webhooks.models.billing import BillingRow
from billing_webhooks.models.entries import Entry
from billing_webhooks.projection.registers import Draft, NamedDraft, draft_of, name_of


class RowsMoved(DatabaseError):
    """A name passed to another row between resolving and locking it; try again."""


@dataclass(frozen=True)
class Touched:
    """What a batch touches beside customers and plans: the provider's ids."""

    subscriptions: frozenset[str]
    entries: Mapping[type[Entry], frozenset[str]]


@dataclass
class Named:
    """The customers, or plans, that go by some names, by primary key, and whose each name is."""

    drafts: dict[int, NamedDraft[Any]] = field(default_factory=dict)
    owners: dict[Key, int] = field(default_factory=dict)

    def add(self, key: Key, row: Any) -> None:
        """Add a name and its row; raise RowsMoved if it is the row's no more."""
        if name_of(key) not in row.registers:
            raise RowsMoved(f"A name of row {row.pk} has passed to another meanwhile.")
        self.owners[key] = row.pk
        if row.pk not in self.drafts:
            self.drafts[row.pk] = NamedDraft(row)


def locked(
    db: str,
    provider: str,
    model: type[BillingRow],
    name: str,
    values: Iterable[Any],
    *,
    called: str = "",
) -> dict[Any, Draft[Any]]:
    """Return the rows whose field has one of these values, by that field or by `called`."""
    wanted = set(values)
    if not wanted:
        return {}
    rows = model._base_manager.using(db).filter(**{f"{name}__in": wanted}, provider=provider)
    found = for_update(rows.order_by("pk"))
    return {getattr(row, called or name): draft_of(row) for row in found}


def named(
    db: str,
    provider: str,
    model: type[Customer] | type[Plan],
    keys: Iterable[Key],
    *,
    lock: bool = True,
) -> Named:
    """
    Return the rows with these names.

    Raise RowsMoved if one has passed to another row while the row's lock was waited for:
    a name is a row's only if its registers say so.
    """
    wanted = set(keys)
    found = Named()
    if not wanted:
        return found
    kinds, values = {kind for kind, _ in wanted}, {value for _, value in wanted}
    rows = (
        model._base_manager.using(db)
        .filter(
            provider=provider,
            identities__provider=provider,
            identities__kind__in=kinds,
            identities__value__in=values,
        )
        .annotate(name_kind=F("identities__kind"), name_value=F("identities__value"))
        .order_by("pk")
    )
    for row in for_update(rows) if lock else rows:
        key = (row.name_kind, row.name_value)
        if key in wanted:
            found.add(key, row)
    return found


def for_update(rows: QuerySet[Any]) -> QuerySet[Any]:
    """
    Lock rows of this table against being written, but not against being referred to.

    A row that refers to another holds a lock of that one, for which its lock would wait.
    """
    features = connections[rows.db].features
    return rows.select_for_update(
        of=("self",) if features.has_select_for_update_of else (),
        no_key=features.has_select_for_no_key_update,
    )
