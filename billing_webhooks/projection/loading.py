"""The rows that a batch of events is about, loaded and locked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db import DatabaseError, connections
from django.db.models import F, QuerySet

from billing_webhooks.bulk import select_each
from billing_webhooks.compiled import Recurring, any_of, rows
from billing_webhooks.facts import Key
from billing_webhooks.models import Customer, Invoice, Payment, Plan, Subscription, UsageRecord
from billing_webhooks.models.billing import BillingRow
from billing_webhooks.models.entries import Entry
from billing_webhooks.projection.registers import Draft, NamedDraft, draft_of, name_of

ENTRIES = (Payment, Invoice, UsageRecord)


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


@dataclass
class Loaded:
    """The rows of a batch, all of them by what events call them."""

    customers: Named = field(default_factory=Named)
    plans: Named = field(default_factory=Named)
    subscriptions: dict[str, Draft[Subscription]] = field(default_factory=dict)
    entries: dict[type[Entry], dict[str, Draft[Any]]] = field(
        default_factory=lambda: {model: {} for model in ENTRIES}
    )


def load(
    db: str,
    provider: str,
    customers: Iterable[Key],
    plans: Iterable[Key],
    touched: Touched,
    *,
    locks_plans: bool,
) -> Loaded:
    """
    Return what there is of a batch's rows, in one statement where the database can.

    Raise RowsMoved if a name has passed to another row while its row's lock was waited
    for: a name is a row's only if its registers say so.
    """
    names: dict[Any, set[Key]] = {Customer: set(customers), Plan: set(plans)}
    ids: list[tuple[Any, Iterable[str]]] = [
        (Subscription, touched.subscriptions),
        *touched.entries.items(),
    ]
    queries = [
        *(
            _called(provider, model, keys, lock=locks_plans or model is Customer)
            for model, keys in names.items()
            if keys
        ),
        *(_with(provider, model, _id_of(model), wanted) for model, wanted in ids if wanted),
    ]
    loaded = Loaded()
    for row in select_each(db, queries):
        _add(loaded, row, names.get(type(row), set()))
    return loaded


def _add(loaded: Loaded, row: Any, names: set[Key]) -> None:
    if isinstance(row, Customer | Plan):
        key = (row.name_kind, row.name_value)  # type: ignore[union-attr]
        # The pairs of kind and value that were not asked for do no harm.
        if key in names:
            (loaded.customers if isinstance(row, Customer) else loaded.plans).add(key, row)
    elif isinstance(row, Subscription):
        loaded.subscriptions[row.external_id] = draft_of(row)
    else:
        loaded.entries[type(row)][row.identity] = draft_of(row)


def _called(
    provider: str, model: type[Customer | Plan], keys: set[Key], *, lock: bool
) -> Recurring:
    kinds, values = {kind for kind, _ in keys}, {value for _, value in keys}
    filled = {"provider": provider, "kinds": list(kinds), "values": list(values)}
    return Recurring(_named, (model, lock), filled)


def _named(
    db: str, model: type[Customer | Plan], lock: bool, *, provider: Any, kinds: Any, values: Any
) -> QuerySet[Any]:
    named = (
        model._base_manager.using(db)
        .filter(
            any_of("identities__kind", kinds),
            any_of("identities__value", values),
            provider=provider,
            identities__provider=provider,
        )
        .annotate(name_kind=F("identities__kind"), name_value=F("identities__value"))
        .order_by("pk")
    )
    return for_update(named) if lock else named


def _id_of(model: type[Subscription | Entry]) -> str:
    return "external_id" if model is Subscription else "identity"


def _with(provider: str, model: type[BillingRow], name: str, values: Iterable[Any]) -> Recurring:
    return Recurring(_having, (model, name), {"provider": provider, "values": list(values)})


def _having(
    db: str, model: type[BillingRow], name: str, *, provider: Any, values: Any
) -> QuerySet[Any]:
    having = model._base_manager.using(db).filter(any_of(name, values), provider=provider)
    return for_update(having.order_by("pk"))


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
    found = rows(db, _with(provider, model, name, wanted))
    return {getattr(row, called or name): draft_of(row) for row in found}


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
