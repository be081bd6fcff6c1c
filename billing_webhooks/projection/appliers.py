"""One applier for each kind of fact: which registers it writes on which row."""

from __future__ import annotations

from functools import singledispatch
from typing import Any

from billing_webhooks.facts import (
    CustomerFact,
    CustomerRef,
    InvoiceFact,
    PaymentFact,
    PlanFact,
    SubscriptionFact,
    UsageFact,
)
from billing_webhooks.models import Invoice, Payment, UsageRecord
from billing_webhooks.models.billing import Entry
from billing_webhooks.projection.registers import Draft, Stamp
from billing_webhooks.projection.rows import Rows


@singledispatch
def apply(fact: Any, rows: Rows, stamp: Stamp) -> Draft[Any]:
    """Write a fact on its row and return the draft of that row."""
    raise TypeError(f"No applier for {type(fact).__name__}.")


@apply.register
def _customer(fact: CustomerFact, rows: Rows, stamp: Stamp) -> Draft[Any]:
    draft = rows.customer(fact.customer)
    draft.write("external_id", fact.customer.external_id or None, stamp)
    draft.write("organization_code", fact.customer.organization_code or None, stamp)
    draft.write("email", fact.email, stamp)
    draft.write("user_external_id", fact.user_external_id, stamp)
    draft.write("brand", fact.brand, stamp)
    draft.write("is_disabled", fact.is_disabled, stamp)
    draft.write("collection", fact.collection, stamp)
    draft.write("agreement_cancelled_at", fact.agreement_cancelled_at, stamp)
    if fact.plan is not None:
        draft.link("plan", rows.plan(fact.plan).row, fact.plan.keys[0], stamp)
        draft.says_plan_changed = fact.says_plan_changed
    return draft


@apply.register
def _plan(fact: PlanFact, rows: Rows, stamp: Stamp) -> Draft[Any]:
    draft = rows.plan(fact.plan)
    write = draft.mention if fact.is_mention else draft.write
    write("external_id", fact.plan.external_id or None, stamp)
    write("said_code", fact.plan.code or None if fact.code is None else fact.code, stamp)
    write("name", fact.name, stamp)
    write("has_trial", fact.has_trial, stamp)
    write("trial_days", fact.trial_days, stamp)
    write("standalone_trial", fact.standalone_trial, stamp)
    write("is_deleted", fact.is_deleted, stamp)
    return draft


@apply.register
def _subscription(fact: SubscriptionFact, rows: Rows, stamp: Stamp) -> Draft[Any]:
    draft = rows.subscription(fact.external_id)
    _link_customer(draft, fact.customer, rows, stamp)
    if fact.plan is not None and fact.plan.keys:
        key = fact.plan.keys[0]
        draft.link("plan", rows.plan(fact.plan).row, key, stamp)
        draft.says_plan_changed = fact.says_plan_changed
        if fact.plan_name is not None:
            draft.write("named_plan", [list(key), fact.plan_name], stamp)
    draft.write("lifecycle", fact.lifecycle, stamp)
    draft.write("collection", fact.collection, stamp)
    draft.write("said_status", fact.status, stamp)
    draft.write("provider_status", fact.provider_status, stamp)
    draft.write("current_period_end", fact.current_period_end, stamp)
    draft.write("cancellation", fact.cancelled_at, stamp)
    draft.write("started_at", fact.started_at, stamp, earliest=True)
    draft.write("trial_started_at", fact.trial_started_at, stamp, earliest=True)
    draft.write("trial_ended_at", fact.trial_ended_at, stamp)
    return draft


@apply.register
def _payment(fact: PaymentFact, rows: Rows, stamp: Stamp) -> Draft[Any]:
    draft = rows.entry(Payment, entry_identity(fact.external_id, stamp))
    _write_money_entry(draft, fact, rows, stamp)
    return draft


@apply.register
def _invoice(fact: InvoiceFact, rows: Rows, stamp: Stamp) -> Draft[Any]:
    draft = rows.entry(Invoice, entry_identity(fact.external_id, stamp))
    _write_money_entry(draft, fact, rows, stamp)
    draft.write("due_at", fact.due_at, stamp)
    return draft


@apply.register
def _usage(fact: UsageFact, rows: Rows, stamp: Stamp) -> Draft[Any]:
    draft = rows.entry(UsageRecord, entry_identity("", stamp))
    _write_entry(draft, fact.customer, fact.subscription, rows, stamp)
    draft.write("meter", fact.meter, stamp)
    draft.write("quantity", fact.quantity, stamp)
    return draft


def entry_identity(external_id: str, stamp: Stamp) -> str:
    """Return what a payment, invoice or usage record is known by."""
    return f"id:{external_id}" if external_id else f"event:{stamp.by}"


def _write_money_entry(
    draft: Draft[Any], fact: PaymentFact | InvoiceFact, rows: Rows, stamp: Stamp
) -> None:
    _write_entry(draft, fact.customer, fact.subscription, rows, stamp)
    draft.write("external_id", fact.external_id or None, stamp)
    draft.write("status", fact.status, stamp)
    if fact.money is not None:
        draft.write("amount", fact.money.amount, stamp)
        draft.write("amount_unit", fact.money.unit, stamp)
        draft.write("currency", fact.money.currency, stamp)


def _write_entry(
    draft: Draft[Any], customer: CustomerRef | None, subscription: str, rows: Rows, stamp: Stamp
) -> None:
    _link_customer(draft, customer, rows, stamp)
    if subscription and isinstance(draft.row, Entry):
        draft.link("subscription", rows.subscription(subscription).row, ("id", subscription), stamp)
    draft.write("occurred_at", stamp.moment, stamp)


def _link_customer(
    draft: Draft[Any], customer: CustomerRef | None, rows: Rows, stamp: Stamp
) -> None:
    if customer is not None and customer.keys:
        draft.link("customer", rows.customer(customer).row, customer.keys[0], stamp)
