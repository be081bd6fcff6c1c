"""
Many events of one provider in one transaction, while nothing out of the ordinary happens.

Every name must be known, and none may have to pass to another row. What an event of that
kind needs is done for it alone.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, TypeAlias

from billing_webhooks.models import Customer, Plan
from billing_webhooks.projection import newcomers
from billing_webhooks.projection.derivation import derive
from billing_webhooks.projection.folding import (
    Effect,
    Folded,
    Reading,
    effects_of,
    fold,
    named_in,
    touched,
)
from billing_webhooks.projection.loading import Named, RowsMoved, for_update, load
from billing_webhooks.projection.meaning import Ref, Resolution, meanings
from billing_webhooks.projection.newcomers import Wanted
from billing_webhooks.projection.registers import NamedDraft, Stamp, name_of
from billing_webhooks.projection.rows import Rows
from billing_webhooks.projection.writing import write

# A model, what a batch calls its rows, and those that there are.
Given: TypeAlias = tuple[type[Customer | Plan], Sequence[tuple[Ref, Stamp]], Named]


class Unprepared(RowsMoved):
    """A batch gives names that nobody has given yet: their rows are to be made before."""


class PlansChange(RowsMoved):
    """A batch writes plans that another worker writes too: they are to be locked at first."""


class Batch:
    """
    The rows of a batch, loaded and locked in the caller's transaction.

    Almost every event names a plan, and hardly any says something new of it. So plans are
    the last to be locked and written, unless `locks_plans`. Raise Unprepared or RowsMoved,
    and IntegrityError if another worker has just made one of the rows.
    """

    def __init__(
        self, db: str, provider: str, readings: Sequence[Reading], *, locks_plans: bool
    ) -> None:
        self._db = db
        customers, plans = named_in(readings)
        loaded = load(
            db,
            provider,
            {key for ref, _ in customers for key in ref.keys},
            {key for ref, _ in plans for key in ref.keys},
            touched(readings),
            locks_plans=locks_plans,
        )
        _complete(
            db, provider, (Customer, customers, loaded.customers), (Plan, plans, loaded.plans)
        )
        self._resolution = Resolution(
            customers=meanings((ref for ref, _ in customers), loaded.customers.owners),
            plans=meanings((ref for ref, _ in plans), loaded.plans.owners),
        )
        meant = [*self._resolution.customers.items(), *self._resolution.plans.items()]
        self._claiming = {ref for ref, each in meant if each.elsewhere}
        self._plans = None if locks_plans else LastPlans(db, loaded.plans)
        self._rows = Rows(db, provider, self._resolution, loaded)
        self._folded: list[Folded] = []

    def may_take(self, reading: Reading) -> bool:
        """Return whether all names that an event gives to a row belong to that row."""
        return self._claiming.isdisjoint(reading.refs)

    def take(self, reading: Reading) -> Folded:
        """Fold an event into the rows, after those that were taken before."""
        folded = fold(reading, self._rows)
        self._folded.append(folded)
        return folded

    def write(self) -> list[Effect]:
        """Write the rows and return the effects of the events."""
        self._rows.write(with_plans=self._plans is None)
        return effects_of(self._db, self._folded)

    def finish(self) -> None:
        """Write what is to be written last; raise PlansChange, or RowsMoved."""
        if self._plans is not None:
            self._plans.write()


def _complete(db: str, provider: str, *named: Given[Any]) -> None:
    """Make the rows of those that are new; raise Unprepared if that is not enough."""
    unknown = [
        Wanted(
            model,
            [(ref, stamp) for ref, stamp in given if not found.owners.keys() >= set(ref.keys)],
            found.owners,
        )
        for model, given, found in named
    ]
    if not any(wanted.refs for wanted in unknown):
        return
    made = newcomers.make(db, provider, *unknown)
    for (_, _, found), wanted, rows in zip(named, unknown, made, strict=True):
        for row, names in rows:
            for name in names:
                found.add(name, row)
        if any(key not in found.owners for ref, _ in wanted.refs for key in ref.keys):
            raise Unprepared("Some names have no rows yet.")


class LastPlans:
    """
    The plans of a batch, read without a lock and written at the very end.

    Most of what is written of them is when something was last said that was known before.
    Others may have written the like meanwhile: the newest stands, as always.
    """

    def __init__(self, db: str, plans: Named) -> None:
        self._db = db
        self._named = plans
        self._read = {pk: _dumped(draft.row) for pk, draft in plans.drafts.items()}

    def write(self) -> None:
        """Lock the plans, and write what has changed on what others have made of them."""
        if not self._named.drafts:
            return
        rows = Plan._base_manager.using(self._db).filter(pk__in=self._named.drafts)
        current = {row.pk: row for row in for_update(rows.order_by("pk"))}
        for key, pk in self._named.owners.items():
            if pk not in current or name_of(key) not in current[pk].registers:
                raise RowsMoved(f"A name of plan {pk} has passed to another meanwhile.")
        drafts = list(self._named.drafts.values())
        write(self._db, [self._merged(draft, current[draft.row.pk]) for draft in drafts])

    def _merged(self, draft: NamedDraft[Any], row: Plan) -> NamedDraft[Any]:
        if not draft.needs_writing() or _dumped(row) == self._read[row.pk]:
            return draft
        if draft.has_other_columns():
            raise PlansChange(f"Two workers change plan {row.pk}.")
        merged: NamedDraft[Any] = NamedDraft(row)
        merged.merge(draft)
        derive(merged)
        if merged.has_other_columns():
            raise PlansChange(f"Two workers change plan {row.pk}.")
        return merged


def _dumped(row: Plan) -> str:
    return json.dumps(row.registers, sort_keys=True)
