"""Rows that have changed are written: one INSERT and one UPDATE a table where that can be."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any

from django.utils import timezone

from billing_webhooks.bulk import insert_each, update_each
from billing_webhooks.models.billing import BillingRow
from billing_webhooks.projection.registers import Draft

KEPT = frozenset({"id", "provider", "created_at", "identity"})


def write(db: str, drafts: Iterable[Draft[Any]]) -> None:
    """Write the drafts of one table that need it."""
    dirty = [draft.row for draft in drafts if draft.needs_writing()]
    new = [row for row in dirty if row.pk is None]
    old = [row for row in dirty if row.pk is not None]
    insert_each(db, new)
    _update(db, old)


def _update(db: str, rows: list[Any]) -> None:
    if not rows:
        return
    model: type[BillingRow] = type(rows[0])
    now = timezone.now()
    for row in rows:
        row.updated_at = now
    if len(rows) == 1:
        # The statement for one row is quicker read than that for many.
        names = [name for name, _ in _written(model)]
        rows[0].save(using=db, force_update=True, update_fields=names)
    else:
        written = _written(model)
        values = [[row.pk, *(getattr(row, attname) for _, attname in written)] for row in rows]
        update_each(db, model, [name for name, _ in written], values)


@cache
def _written(model: type[BillingRow]) -> list[tuple[str, str]]:
    """Return the fields that are written, each with the attribute that holds its value."""
    fields = model._meta.concrete_fields
    return [(field.name, field.attname) for field in fields if field.name not in KEPT]
