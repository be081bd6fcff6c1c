"""Events are folded into rows in memory, one after the other, and each tells what it did."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from functools import cached_property
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
from billing_webhooks.projection.derivation import derive
from billing_webhooks.projection.loading import Touched
from billing_webhooks.projection.news import signals_for
from billing_webhooks.projection.registers import Draft, Stamp
from billing_webhooks.projection.rows import Rows

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

    @cached_property
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


@dataclass
class Folded:
    """What one event did, before new rows have their primary keys."""

    drafts: list[tuple[Draft[Any], bool, dict[str, tuple[Any, Any]], list[str]]]
    notices: list[Notice]
    found: list[Found]
    superseded: bool

    @property
    def signals(self) -> set[str]:
        """The names of the domain signals that tell of it."""
        of_rows = {name for *_, names in self.drafts for name in names}
        return of_rows | {NOTICE_SIGNALS[type(notice)] for notice in self.notices}


def fold(reading: Reading, rows: Rows) -> Folded:
    """Write the facts of an event on the drafts of its rows."""
    rows.begin_event()
    stamp = reading.stamp
    notices = [fact for fact in reading.facts if isinstance(fact, Notice)]
    for fact in reading.facts:
        if not isinstance(fact, Notice):
            appliers.apply(fact, rows, stamp)
    rows.settle()
    found = list(belonging.find(rows))
    folded = Folded([], notices, found, any(draft.superseded for draft in rows.touched()))
    for draft in rows.touched():
        derive(draft)
        changes = draft.changes()
        folded.drafts.append((draft, draft.was_new, changes, signals_for(draft, changes)))
    _tell_plan_change_once(folded)
    return folded


def _tell_plan_change_once(folded: Folded) -> None:
    """
    Let a change of plan be told once: of the row that knows the plan before, and of the
    subscription rather than its customer.
    """
    telling = [
        (changes["plan"][0] is not None, index)
        for index, (_, _, changes, signals) in enumerate(folded.drafts)
        if "plan_changed" in signals
    ]
    for _, index in sorted(telling)[:-1]:
        folded.drafts[index][-1].remove("plan_changed")


def _effect_of(folded: Folded) -> Effect:
    """Return what an event did, once its rows are written."""
    entries: list[dict[str, Any]] = [
        {
            "model": draft.row._meta.model_name,
            "id": draft.row.pk,
            "key": draft.called,
            "created": was_new,
            "fields": {name: list(change) for name, change in changes.items()},
            "signals": signals,
        }
        for draft, was_new, changes, signals in folded.drafts
    ]
    changed = any(entry["fields"] for entry in entries)
    entries += [
        {"signals": [NOTICE_SIGNALS[type(notice)]], "data": asdict(notice)}
        for notice in folded.notices
    ]
    outcome = WebhookEvent.Outcome.NO_EFFECT
    if changed:
        outcome = WebhookEvent.Outcome.APPLIED
    elif folded.superseded:
        outcome = WebhookEvent.Outcome.SUPERSEDED
    return Effect(outcome, _customer_id(folded), entries)


def effects_of(db: str, folded: Sequence[Folded]) -> list[Effect]:
    """Return what events did, once their rows are written, and attribute what was nobody's."""
    for found in [found for each in folded for found in each.found]:
        belonging.attribute(db, found)
    return [_effect_of(each) for each in folded]


def _customer_id(folded: Folded) -> int | None:
    """Return whose event it is: the first customer's that it names, else its subscription's."""
    rows = [draft.row for draft, *_ in folded.drafts]
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


def named_in(
    batch: Sequence[Reading],
) -> tuple[list[tuple[CustomerRef, Stamp]], list[tuple[PlanRef, Stamp]]]:
    """Return what a batch calls customers, and plans, each with the stamp of its event."""
    named = [(ref, reading.stamp) for reading in batch for ref in refs(reading.facts)]
    return (
        [(ref, stamp) for ref, stamp in named if isinstance(ref, CustomerRef)],
        [(ref, stamp) for ref, stamp in named if isinstance(ref, PlanRef)],
    )


def touched(batch: Iterable[Reading]) -> Touched:
    """Return what a batch touches beside customers and plans."""
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
