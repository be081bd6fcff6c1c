"""Events are folded into rows in memory, one after the other, and each tells what it did."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
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
from billing_webhooks.projection import belonging
from billing_webhooks.projection.appliers import APPLIERS, entry_identity
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

    @cached_property
    def refs(self) -> Collection[CustomerRef | PlanRef]:
        """The customers and plans that the facts name, each once."""
        named = (getattr(fact, name, None) for fact in self.facts for name in ("customer", "plan"))
        return dict.fromkeys(ref for ref in named if ref is not None and ref.keys).keys()


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
    """
    What one event did, before new rows have their primary keys.

    `rows` are the drafts of the rows that it is about, each with its entry of `changes`.
    """

    rows: list[tuple[Draft[Any], dict[str, Any]]]
    notices: list[Notice]
    found: list[Found]
    superseded: bool

    @property
    def signals(self) -> set[str]:
        """The names of the domain signals that tell of it."""
        of_rows = {name for _, entry in self.rows for name in entry["signals"]}
        return of_rows | {NOTICE_SIGNALS[type(notice)] for notice in self.notices}


def fold(reading: Reading, rows: Rows) -> Folded:
    """Write the facts of an event on the drafts of its rows."""
    rows.begin_event()
    stamp = reading.stamp
    notices: list[Any] = []
    for fact in reading.facts:
        if type(fact) in NOTICE_SIGNALS:
            notices.append(fact)
        else:
            APPLIERS[type(fact)](fact, rows, stamp)
    rows.settle()
    found = list(belonging.find(rows))
    folded = Folded([], notices, found, any(draft.superseded for draft in rows.touched()))
    for draft in rows.touched():
        derive(draft)
        folded.rows.append((draft, _entry(draft)))
    _tell_plan_change_once(folded)
    return folded


def _entry(draft: Draft[Any]) -> dict[str, Any]:
    """Return what to tell of a row now: the next event may call it by another name."""
    changes = draft.changes()
    return {
        "model": draft.row._meta.model_name,
        "id": draft.row.pk,
        "key": draft.called,
        "created": draft.was_new,
        "fields": changes,
        "signals": signals_for(draft, changes),
    }


def _tell_plan_change_once(folded: Folded) -> None:
    """
    Let a change of plan be told once: of the row that knows the plan before, and of the
    subscription rather than its customer.
    """
    telling = [
        (entry["fields"]["plan"][0] is not None, index)
        for index, (_, entry) in enumerate(folded.rows)
        if "plan_changed" in entry["signals"]
    ]
    for _, index in sorted(telling)[:-1]:
        folded.rows[index][1]["signals"].remove("plan_changed")


def _effect_of(folded: Folded) -> Effect:
    """Return what an event did, once its rows are written."""
    for draft, entry in folded.rows:
        entry["id"] = draft.row.pk
    entries = [entry for _, entry in folded.rows]
    has_changed = any(entry["fields"] for entry in entries)
    entries += [
        {"signals": [NOTICE_SIGNALS[type(notice)]], "data": asdict(notice)}
        for notice in folded.notices
    ]
    outcome = WebhookEvent.Outcome.NO_EFFECT
    if has_changed:
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
    rows = [draft.row for draft, _ in folded.rows]
    customers = (row.pk for row in rows if isinstance(row, Customer))
    theirs = (row.customer_id for row in rows if getattr(row, "customer_id", None))
    return next(customers, None) or next(theirs, None)


def named_in(
    batch: Sequence[Reading],
) -> tuple[list[tuple[CustomerRef, Stamp]], list[tuple[PlanRef, Stamp]]]:
    """Return what a batch calls customers, and plans, each with the stamp of its event."""
    named = [(ref, reading.stamp) for reading in batch for ref in reading.refs]
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
                identity = entry_identity(external_id, reading.stamp)
                entries[ENTRY_MODELS[type(fact)]].add(identity)
                subscriptions.update({fact.subscription} - {""})
    return Touched(
        frozenset(subscriptions),
        {model: frozenset(identities) for model, identities in entries.items()},
    )
