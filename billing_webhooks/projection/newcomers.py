"""Rows for those whom nobody has named before, made all at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable
from dataclasses import dataclass, field
from typing import Any, Generic

from django.db import connections

from billing_webhooks.bulk import insert_each
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


def make(
    db: str,
    provider: str,
    model: type[Customer] | type[Plan],
    refs: Iterable[tuple[Ref, Stamp]],
    known: Container[Key],
) -> list[tuple[Any, set[Key]]]:
    """
    Make the rows of those of whose names none is known or given to another too.

    Return them with their names. To be called in a transaction; raise IntegrityError if
    another worker has just made one of them.
    """
    if not connections[db].features.can_return_rows_from_bulk_insert:
        return []
    new = [each for each in _newcomers(refs) if not any(name in known for name in each.names)]
    if not new:
        return []
    rows = [model(provider=provider) for _ in new]
    for row, newcomer in zip(rows, new, strict=True):
        newcomer.name(row)
    insert_each(db, rows)
    identity: Any = model._meta.get_field("identities").related_model
    names = [
        identity(provider=provider, kind=kind, value=value, row_id=row.pk)
        for row, newcomer in zip(rows, new, strict=True)
        for kind, value in sorted(newcomer.names)
    ]
    insert_each(db, names)
    return [(row, newcomer.names) for row, newcomer in zip(rows, new, strict=True)]


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
