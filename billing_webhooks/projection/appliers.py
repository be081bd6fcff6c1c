"""One applier for each kind of fact: which registers it writes on which row."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from billing_webhooks.facts import (
    Collection,
    CustomerFact,
    CustomerRef,
    InvoiceFact,
    InvoiceStatus,
    Lifecycle,
    PaymentFact,
    PaymentStatus,
    PlanFact,
    PlanRef,
    SubscriptionFact,
    SubscriptionStatus,
    UsageFact,
)
from billing_webhooks.models import Invoice, Payment, UsageRecord
from billing_webhooks.projection.derivation import cancellation_of
from billing_webhooks.projection.registers import Draft, Stamp
from billing_webhooks.projection.rows import Rows
from billing_webhooks.projection.settling import FOR, IS_PAID
from billing_webhooks.projection.spells import ARREARS, CANCELLATION

# What the provider's own word for a status tells of money.
MONEY_BY_STATUS: Mapping[SubscriptionStatus | None, Collection] = {
    SubscriptionStatus.ACTIVE: Collection.PAID,
    SubscriptionStatus.TRIALING: Collection.PAID,
    SubscriptionStatus.PAST_DUE: Collection.FAILED,
    SubscriptionStatus.UNPAID: Collection.OVERDUE,
}
# The words that take a cancellation back.
GOING_ON = {*MONEY_BY_STATUS, SubscriptionStatus.PAUSED}


def _customer(fact: CustomerFact, rows: Rows, stamp: Stamp) -> None:
    draft = rows.customer(fact.customer, stamp)
    draft.write("external_id", fact.customer.external_id or None, stamp)
    draft.write("organization_code", fact.customer.organization_code or None, stamp)
    draft.write("email", fact.email, stamp)
    draft.write("user_external_id", fact.user_external_id, stamp)
    draft.write("brand", fact.brand, stamp)
    draft.write("is_disabled", fact.is_disabled, stamp)
    draft.write("collection", fact.collection, stamp)
    _note_money(draft, fact.collection, stamp)
    if fact.agreement_cancelled_at is not None:
        cancelled = fact.cancelled_plan.keys[0] if fact.cancelled_plan else None
        draft.write("agreement_cancelled_at", fact.agreement_cancelled_at, stamp)
        draft.write(cancellation_of(cancelled), fact.agreement_cancelled_at, stamp)
    if fact.plan is not None:
        _link_plan(draft, fact.plan, rows, stamp)
        draft.write("plan_by_agreement", fact.plan_by_agreement, stamp)
        draft.says_plan_changed = fact.says_plan_changed


def _plan(fact: PlanFact, rows: Rows, stamp: Stamp) -> None:
    draft = rows.plan(fact.plan, stamp)
    write = draft.mention if fact.is_mention else draft.write
    write("external_id", fact.plan.external_id or None, stamp)
    write("said_code", fact.plan.code or None if fact.code is None else fact.code, stamp)
    write("name", fact.name, stamp)
    write("has_trial", fact.has_trial, stamp)
    write("trial_days", fact.trial_days, stamp)
    write("standalone_trial", fact.standalone_trial, stamp)
    write("is_deleted", fact.is_deleted, stamp)


def _subscription(fact: SubscriptionFact, rows: Rows, stamp: Stamp) -> None:
    draft = rows.subscription(fact.external_id)
    _link_customer(draft, fact.customer, rows, stamp)
    if fact.plan is not None and fact.plan.keys:
        _link_plan(draft, fact.plan, rows, stamp, is_mention=fact.plan_is_mention)
        draft.says_plan_changed = fact.says_plan_changed
        if fact.plan_name is not None:
            write = draft.mention if fact.plan_is_mention else draft.write
            write("named_plan", [list(fact.plan.keys[0]), fact.plan_name], stamp)
    draft.write("lifecycle", fact.lifecycle, stamp)
    draft.write("collection", fact.collection, stamp)
    _note_money(draft, fact.collection or MONEY_BY_STATUS.get(fact.status), stamp)
    draft.write("said_status", fact.status, stamp)
    draft.write("said_active", fact.counts_as_active, stamp)
    draft.write("provider_status", fact.provider_status, stamp)
    draft.write("current_period_end", fact.current_period_end, stamp)
    if fact.cancelled_at is not None:
        CANCELLATION.say(draft, fact.cancelled_at, stamp)
    elif fact.lifecycle == Lifecycle.STARTED or fact.status in GOING_ON:
        CANCELLATION.end(draft, stamp)
    draft.write("started_at", fact.started_at, stamp, earliest=True)
    draft.write("trial_started_at", fact.trial_started_at, stamp, earliest=True)
    draft.write("trial_ended_at", fact.trial_ended_at, stamp, earliest=True)


def _payment(fact: PaymentFact, rows: Rows, stamp: Stamp) -> None:
    draft = rows.entry(Payment, entry_identity(fact.external_id, stamp))
    _write_money_entry(draft, fact, rows, stamp)


def _invoice(fact: InvoiceFact, rows: Rows, stamp: Stamp) -> None:
    draft = rows.entry(Invoice, entry_identity(fact.external_id, stamp))
    _write_money_entry(draft, fact, rows, stamp)
    draft.write("due_at", fact.due_at, stamp)


def _usage(fact: UsageFact, rows: Rows, stamp: Stamp) -> None:
    draft = rows.entry(UsageRecord, entry_identity("", stamp))
    _write_entry(draft, fact.customer, fact.subscription, rows, stamp)
    draft.write("meter", fact.meter, stamp)
    draft.write("quantity", fact.quantity, stamp)


def _note_money(draft: Draft[Any], news: Collection | None, stamp: Stamp) -> None:
    if news == Collection.PAID:
        ARREARS.end(draft, stamp)
    elif news is not None:
        ARREARS.say(draft, news, stamp)


def entry_identity(external_id: str, stamp: Stamp) -> str:
    """Return what a payment, invoice or usage record is known by."""
    return f"id:{external_id}" if external_id else f"event:{stamp.by}"


def _write_money_entry(
    draft: Draft[Any], fact: PaymentFact | InvoiceFact, rows: Rows, stamp: Stamp
) -> None:
    _write_entry(draft, fact.customer, fact.subscription, rows, stamp)
    draft.write("external_id", fact.external_id or None, stamp)
    draft.write("status", fact.status, stamp)
    if fact.subscription:
        draft.write(f"{FOR}{fact.subscription}", True, stamp)
    if fact.status in {PaymentStatus.SUCCEEDED, InvoiceStatus.PAID}:
        draft.write(IS_PAID, True, stamp)
    if fact.money is not None:
        draft.write("amount", fact.money.amount, stamp)
        draft.write("amount_unit", fact.money.unit, stamp)
        draft.write("currency", fact.money.currency, stamp)


def _write_entry(
    draft: Draft[Any], customer: CustomerRef | None, subscription: str, rows: Rows, stamp: Stamp
) -> None:
    _link_customer(draft, customer, rows, stamp)
    if subscription:
        draft.link("subscription", rows.subscription(subscription).row, ("id", subscription), stamp)
    draft.write("occurred_at", stamp.moment, stamp)


def _link_customer(draft: Draft[Any], ref: CustomerRef | None, rows: Rows, stamp: Stamp) -> None:
    if ref is not None and ref.keys:
        customer = rows.customer(ref, stamp)
        customer.mention("external_id", ref.external_id or None, stamp)
        customer.mention("organization_code", ref.organization_code or None, stamp)
        draft.link("customer", customer.row, ref.keys[0], stamp)


def _link_plan(
    draft: Draft[Any], ref: PlanRef, rows: Rows, stamp: Stamp, *, is_mention: bool = False
) -> None:
    plan = rows.plan(ref, stamp)
    plan.mention("external_id", ref.external_id or None, stamp)
    plan.mention("said_code", ref.code or None, stamp)
    plan.mention("name", ref.by_name or None, stamp)
    draft.link("plan", plan.row, ref.keys[0], stamp, is_mention=is_mention)


APPLIERS: Mapping[type, Callable[[Any, Rows, Stamp], None]] = {
    CustomerFact: _customer,
    PlanFact: _plan,
    SubscriptionFact: _subscription,
    PaymentFact: _payment,
    InvoiceFact: _invoice,
    UsageFact: _usage,
}
