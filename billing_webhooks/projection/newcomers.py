"""Rows for those whom nobody has named before, made all at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic

from django.db import connections

from billing_webhooks.bulk import write_each
from billing_webhooks.facts import Key
from billing_webhooks.models import Customer, Plan
from billing_webhooks.projection.meaning import Ref, claim
from billing_webhooks.projection.registers import Stamp, name_of


@dataclass
class Newcomer(Generic[Ref]):
    """What nobody has named before, and all that a batch calls it."""

    strongest: Key
    refs: list[tuple[Ref, Stamp]] = field(default_factory=list)

    @property
    def names(self) -> set[Key]:
        return {key for ref, _ in self.refs for key in ref.keys}

    def name(self, row: Any) -> None:
        """Let a new row go by these names."""
        row.registers[name_of(self.strongest)] = {}
        for ref, stamp in self.refs:
            for key in ref.keys[1:]:
                claim(row, key, self.strongest, stamp)


@dataclass(frozen=True)
class Wanted:
    """Refs to rows of a model, and the names that are known already."""

    model: type[Customer | Plan]
    refs: Sequence[tuple[Any, Stamp]]
    known: Container[Key]

    def newcomers(self) -> list[Newcomer[Any]]:
        """Return those of whose names none is known or given to another too."""
        found = _newcomers(self.refs)
        return [each for each in found if not any(name in self.known for name in each.names)]


def make(db: str, provider: str, *wanted: Wanted) -> list[list[tuple[Any, set[Key]]]]:
    """
    Make the rows of those that are new, and return them with their names, of each model.

    To be called in a transaction; raise IntegrityError if another worker has just made
    one of them.
    """
    if not connections[db].features.can_return_rows_from_bulk_insert:
        return [[] for _ in wanted]
    made = [[_row(provider, each.model, new) for new in each.newcomers()] for each in wanted]
    write_each(db, [[row for row, _ in rows] for rows in made])
    write_each(db, [[name for each in rows for name in _identities(*each)] for rows in made])
    return made


def _row(provider: str, model: type[Customer | Plan], new: Newcomer[Any]) -> tuple[Any, set[Key]]:
    row = model(provider=provider)
    new.name(row)
    return row, new.names


def _identities(row: Any, names: set[Key]) -> list[Any]:
    identity: Any = row._meta.get_field("identities").related_model
    return [
        identity(provider=row.provider, kind=kind, value=value, row_id=row.pk)
        for kind, value in sorted(names)
    ]


def _newcomers(refs: Iterable[tuple[Ref, Stamp]]) -> list[Newcomer[Ref]]:
    """Return them in the order of their names, so that two workers do not wait for each other."""
    found: dict[Key, Newcomer[Ref]] = {}
    for ref, stamp in refs:
        newcomer = found.setdefault(ref.keys[0], Newcomer(ref.keys[0]))
        newcomer.refs.append((ref, stamp))
    given = Counter(name for newcomer in found.values() for name in newcomer.names)
    return [
        newcomer
        for _, newcomer in sorted(found.items())
        if all(given[name] == 1 for name in newcomer.names)
    ]
