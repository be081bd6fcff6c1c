"""
Facts become rows here, and nowhere else.

    prepare    refs → rows that exist, in small transactions of its own
    apply      names → their rows, facts → registers → columns, in the caller's transaction

Both take a batch of events of one provider; one event is a batch of one. A new kind of
fact needs an applier, and a new status a case in `derivation`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from billing_webhooks.facts import (
    CustomerRef,
    Fact,
    IntegrationFailure,
    InvoiceFact,
    Notice,
    PaymentFact,
    PlanRef,
    SubscriptionFact,
    TaxThreshold,
    UsageFact,
)
from billing_webhooks.models import Customer, Invoice, Payment, UsageRecord, WebhookEvent
from billing_webhooks.projection import appliers, belonging
from billing_webhooks.projection.belonging import Found
from billing_webhooks.projection.changes import combined
from billing_webhooks.projection.derivation import derive
from billing_webhooks.projection.identities import (
    Resolution,
    customer_identities,
    plan_identities,
)
from billing_webhooks.projection.news import signals_for
from billing_webhooks.projection.registers import Draft, Stamp
from billing_webhooks.projection.rows import Rows, RowsMoved, Touched

__all__ = ["Effect", "Reading", "RowsMoved", "apply", "combined", "prepare", "refs"]

ENTRY_MODELS = {PaymentFact: Payment, InvoiceFact: Invoice, UsageFact: UsageRecord}
NOTICE_SIGNALS = {
    IntegrationFailure: "integration_failed",
    TaxThreshold: "tax_threshold_reached",
}


@dataclass(frozen=True)
class Reading:
    """The facts of one event and its place in the order of events."""

    occurred_at: datetime
    sequence: str
    facts: Sequence[Fact]

    @property
    def stamp(self) -> Stamp:
        return Stamp.of(self.occurred_at, self.sequence)


@dataclass
class Effect:
    """
    What an event did. `changes` has one entry for each row it is about:
    {"model", "id", "key", "created", "fields": {name: [old, new]}, "signals"}, and one
    {"signals", "data"} for each notice. `key` is what the event calls the row.
    """

    outcome: WebhookEvent.Outcome
    customer_id: int | None = None
    changes: list[dict[str, Any]] = field(default_factory=list)


def prepare(db: str, provider: str, batch: Sequence[Reading]) -> Resolution:
    """Return the rows that a batch means, made where necessary, in autocommit."""
    customers, plans = _named(batch)
    return Resolution(
        plans=plan_identities(db, provider).resolve(plans),
        customers=customer_identities(db, provider).resolve(customers),
    )


def _gathered(
    db: str, provider: str, batch: Sequence[Reading], resolution: Resolution
) -> Resolution:
    """Return the rows that a batch means, once names have passed to those that claim them."""
    customers, plans = _named(batch)
    return Resolution(
        customers=customer_identities(db, provider).gather(customers, resolution.customers),
        plans=plan_identities(db, provider).gather(plans, resolution.plans),
    )


def _named(
    batch: Sequence[Reading],
) -> tuple[list[tuple[CustomerRef, Stamp]], list[tuple[PlanRef, Stamp]]]:
    """Return what a batch calls customers, and plans, each with the stamp of its event."""
    named = [(ref, reading.stamp) for reading in batch for ref in refs(reading.facts)]
    return (
        [(ref, stamp) for ref, stamp in named if isinstance(ref, CustomerRef)],
        [(ref, stamp) for ref, stamp in named if isinstance(ref, PlanRef)],
    )


def apply(db: str, provider: str, batch: Sequence[Reading], resolution: Resolution) -> list[Effect]:
    """
    Apply a batch inside the caller's transaction and return each event's effect.

    Raise RowsMoved if the rows were merged since `prepare`.
    """
    rows = Rows(db, provider, _gathered(db, provider, batch, resolution), _touched(batch))
    applied = [_apply_one(reading, rows) for reading in batch]
    rows.write()
    for found in [found for each in applied for found in each.found]:
        belonging.attribute(db, found)
    return [_effect(each) for each in applied]


@dataclass
class _Applied:
    """What one event did, before new rows have their primary keys."""

    drafts: list[tuple[Draft[Any], bool, dict[str, tuple[Any, Any]], list[str]]]
    notices: list[Notice]
    found: list[Found]
    superseded: bool


def _apply_one(reading: Reading, rows: Rows) -> _Applied:
    rows.begin_event()
    notices = [fact for fact in reading.facts if isinstance(fact, Notice)]
    for fact in reading.facts:
        if not isinstance(fact, Notice):
            appliers.apply(fact, rows, reading.stamp)
    rows.settle()
    found = list(belonging.find(rows))
    applied = _Applied([], notices, found, any(draft.superseded for draft in rows.touched()))
    for draft in rows.touched():
        derive(draft)
        changes = draft.changes()
        applied.drafts.append((draft, draft.was_new, changes, signals_for(draft, changes)))
    _tell_plan_change_once(applied)
    return applied


def _tell_plan_change_once(applied: _Applied) -> None:
    """
    Let a change of plan be told once: of the row that knows the plan before, and of the
    subscription rather than its customer.
    """
    telling = [
        (changes["plan"][0] is not None, index)
        for index, (_, _, changes, signals) in enumerate(applied.drafts)
        if "plan_changed" in signals
    ]
    for _, index in sorted(telling)[:-1]:
        applied.drafts[index][-1].remove("plan_changed")


def _effect(applied: _Applied) -> Effect:
    entries: list[dict[str, Any]] = [
        {
            "model": draft.row._meta.model_name,
            "id": draft.row.pk,
            "key": draft.called,
            "created": was_new,
            "fields": {name: list(change) for name, change in changes.items()},
            "signals": signals,
        }
        for draft, was_new, changes, signals in applied.drafts
    ]
    changed = any(entry["fields"] for entry in entries)
    entries += [
        {"signals": [NOTICE_SIGNALS[type(notice)]], "data": asdict(notice)}
        for notice in applied.notices
    ]
    outcome = WebhookEvent.Outcome.NO_EFFECT
    if changed:
        outcome = WebhookEvent.Outcome.APPLIED
    elif applied.superseded:
        outcome = WebhookEvent.Outcome.SUPERSEDED
    return Effect(outcome, _customer_id(applied), entries)


def _customer_id(applied: _Applied) -> int | None:
    """Return whose event it is: the first customer's that it names, else its subscription's."""
    rows = [draft.row for draft, *_ in applied.drafts]
    customers = [row.pk for row in rows if isinstance(row, Customer)]
    theirs = [row.customer_id for row in rows if hasattr(row, "customer_id") and row.customer_id]
    return next(iter(customers + theirs), None)


def refs(facts: Iterable[Fact]) -> Iterator[CustomerRef | PlanRef]:
    """Yield the customers and plans that facts name."""
    for fact in facts:
        for name in ("customer", "plan"):
            ref = getattr(fact, name, None)
            if ref is not None and ref.keys:
                yield ref


def _touched(batch: Iterable[Reading]) -> Touched:
    subscriptions: set[str] = set()
    entries: dict[Any, set[str]] = {model: set() for model in ENTRY_MODELS.values()}
    for reading in batch:
        for fact in reading.facts:
            if isinstance(fact, SubscriptionFact):
                subscriptions.add(fact.external_id)
            elif isinstance(fact, PaymentFact | InvoiceFact | UsageFact):
                external_id = "" if isinstance(fact, UsageFact) else fact.external_id
                identity = appliers.entry_identity(external_id, reading.stamp)
                entries[ENTRY_MODELS[type(fact)]].add(identity)
                subscriptions.update({fact.subscription} - {""})
    return Touched(
        frozenset(subscriptions),
        {model: frozenset(identities) for model, identities in entries.items()},
    )
