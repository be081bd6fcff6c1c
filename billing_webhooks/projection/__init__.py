"""
Facts become rows here, and nowhere else.

    prepare    refs → rows that exist, in small transactions of its own
    apply      names → their rows, facts → registers → columns, in the caller's transaction
    Batch      the same for many events, if nothing but facts is to be written

A new kind of fact needs an applier, and a new status a case in `derivation`.
"""

from __future__ import annotations

from collections.abc import Sequence

from billing_webhooks.projection.batches import Batch, PlansChange, Unprepared
from billing_webhooks.projection.changes import combined
from billing_webhooks.projection.folding import (
    Effect,
    Folded,
    Reading,
    effects_of,
    fold,
    named_in,
    touched,
)
from billing_webhooks.projection.identities import customer_identities, plan_identities
from billing_webhooks.projection.loading import RowsMoved
from billing_webhooks.projection.meaning import Resolution
from billing_webhooks.projection.rows import Rows

__all__ = [
    "Batch",
    "Effect",
    "Folded",
    "PlansChange",
    "Reading",
    "RowsMoved",
    "Unprepared",
    "apply",
    "combined",
    "prepare",
]


def prepare(db: str, provider: str, batch: Sequence[Reading]) -> Resolution:
    """Return the rows that a batch means, made where necessary, in autocommit."""
    customers, plans = named_in(batch)
    return Resolution(
        plans=plan_identities(db, provider).resolve(plans),
        customers=customer_identities(db, provider).resolve(customers),
    )


def _gathered(
    db: str, provider: str, batch: Sequence[Reading], resolution: Resolution
) -> Resolution:
    """Return the rows that a batch means, once names have passed to those that claim them."""
    customers, plans = named_in(batch)
    return Resolution(
        customers=customer_identities(db, provider).gather(customers, resolution.customers),
        plans=plan_identities(db, provider).gather(plans, resolution.plans),
    )


def apply(db: str, provider: str, batch: Sequence[Reading], resolution: Resolution) -> list[Effect]:
    """
    Apply a batch inside the caller's transaction and return each event's effect.

    Raise RowsMoved if the rows were merged since `prepare`.
    """
    gathered = _gathered(db, provider, batch, resolution)
    rows = Rows.resolved(db, provider, gathered, touched(batch))
    folded = [fold(reading, rows) for reading in batch]
    rows.write()
    return effects_of(db, folded)
