"""
What Kinde's events say.

Kinde publishes no payload of a billing event, so every field is looked for in all the
places where working receivers have found it. A tenth event type is one more line in
MEANINGS and one more signal.

Source: docs.kinde.com, "Webhook triggers", 2026-04; a tenant's GET /api/v1/event_types.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from billing_webhooks.exceptions import NotUnderstood
from billing_webhooks.facts import (
    AmountUnit,
    Collection,
    CustomerFact,
    CustomerRef,
    Fact,
    InvoiceFact,
    InvoiceStatus,
    Lifecycle,
    Money,
    PaymentFact,
    PaymentStatus,
    PlanFact,
    PlanRef,
    SubscriptionFact,
    UsageFact,
)
from billing_webhooks.providers.paths import id_at, number_at, text_at, time_at

CUSTOMER_ID = ("data.customer_id", "data.customer.id", "customer_id")
ORGANIZATION = ("data.org_code", "data.organization.code")
USER_ID = ("data.user_id", "data.user.id")
EMAIL = ("data.customer.email", "data.user.email", "data.email")
AGREEMENT_ID = ("data.agreement_id", "data.agreement.id")
PLAN_CODE = ("data.plan.code", "data.plan.key", "data.plan_code")
PLAN_ID = ("data.plan_id", "data.plan.id")
PLAN_NAME = ("data.plan.name", "data.plan_name")
INVOICE_DUE = ("data.invoice_due_on",)
PERIOD_END = ("data.next_billing_date", "data.current_period_end")
INVOICE_ID = ("data.invoice_id", "data.invoice.id")
PAYMENT_ID = ("data.payment_id", "data.payment.id")
AMOUNT = ("data.amount", "data.payment.amount", "data.invoice.amount", "data.invoice_amount")
CURRENCY = ("data.currency", "data.payment.currency", "data.invoice.currency")
METER = ("data.meter_id", "data.billing_feature_code", "data.feature_code")
QUANTITY = ("data.quantity", "data.meter_value")

# Whose an event is, the best first.
SUBJECTS: Mapping[str, Sequence[str]] = {
    "customer": CUSTOMER_ID,
    "organization": ORGANIZATION,
    "agreement": AGREEMENT_ID,
    "plan": PLAN_CODE + PLAN_ID,
}

MAX_CURRENCY_LENGTH = 16


@dataclass(frozen=True)
class Meaning:
    """What an event type means for state, beside what its fields say."""

    describes_plan: bool = False
    assigns_plan: bool = False
    changes_plan: bool = False
    lifecycle: Lifecycle | None = None
    collection: Collection | None = None
    payment: PaymentStatus | None = None
    invoice: InvoiceStatus | None = None
    usage: bool = False


MEANINGS: Mapping[str, Meaning] = {
    "customer.plan_created": Meaning(describes_plan=True),
    "customer.plan_assigned": Meaning(describes_plan=True, assigns_plan=True),
    "customer.plan_changed": Meaning(describes_plan=True, assigns_plan=True, changes_plan=True),
    "customer.agreement_created": Meaning(
        describes_plan=True, assigns_plan=True, lifecycle=Lifecycle.STARTED
    ),
    "customer.agreement_cancelled": Meaning(lifecycle=Lifecycle.ENDED),
    "customer.payment_succeeded": Meaning(
        collection=Collection.PAID, payment=PaymentStatus.SUCCEEDED
    ),
    "customer.payment_failed": Meaning(collection=Collection.FAILED, payment=PaymentStatus.FAILED),
    "customer.invoice_overdue": Meaning(
        collection=Collection.OVERDUE, invoice=InvoiceStatus.OVERDUE
    ),
    "customer.meter_usage_updated": Meaning(usage=True),
}


def subject(payload: Mapping[str, Any]) -> str:
    """Return whose event this is: the customer, else the organisation, agreement or plan."""
    try:
        ids = ((kind, id_at(payload, *paths)) for kind, paths in SUBJECTS.items())
        return next((f"{kind}:{value}" for kind, value in ids if value), "")
    except NotUnderstood:
        return ""


def read(event_type: str, payload: Mapping[str, Any], occurred_at: datetime) -> Sequence[Fact]:
    """Return the facts of an event of one of the types in MEANINGS."""
    return list(_facts(MEANINGS[event_type], payload, occurred_at))


def _facts(meaning: Meaning, payload: Mapping[str, Any], at: datetime) -> Iterator[Fact]:
    customer = CustomerRef(id_at(payload, *CUSTOMER_ID), id_at(payload, *ORGANIZATION))
    agreement = id_at(payload, *AGREEMENT_ID)
    plan = PlanRef(code=id_at(payload, *PLAN_CODE), external_id=id_at(payload, *PLAN_ID))

    if plan.keys:
        yield PlanFact(
            plan, is_mention=not meaning.describes_plan, name=text_at(payload, *PLAN_NAME)
        )
    if customer.keys:
        yield _customer(meaning, payload, at, customer, plan, agreement)
    if agreement:
        yield _agreement(meaning, payload, at, customer, plan, agreement)
    if meaning.payment:
        yield PaymentFact(
            status=meaning.payment,
            external_id=id_at(payload, *PAYMENT_ID),
            customer=customer,
            subscription=agreement,
            money=_money(payload),
        )
    yield from _invoice(meaning, payload, customer, agreement)
    if meaning.usage:
        yield UsageFact(
            meter=id_at(payload, *METER),
            quantity=number_at(payload, *QUANTITY),
            customer=customer,
            subscription=agreement,
        )


def _customer(
    meaning: Meaning,
    payload: Mapping[str, Any],
    at: datetime,
    customer: CustomerRef,
    plan: PlanRef,
    agreement: str,
) -> CustomerFact:
    # Without an agreement's id a cancellation is news of the customer: which agreement
    # ended is not for us to guess. So is money that is owed; what was paid settles it.
    cancelled = meaning.lifecycle == Lifecycle.ENDED and not agreement
    is_told = not agreement or meaning.collection == Collection.PAID
    return CustomerFact(
        customer,
        email=text_at(payload, *EMAIL),
        user_external_id=id_at(payload, *USER_ID) or None,
        plan=plan if meaning.assigns_plan and plan.keys else None,
        plan_by_agreement=bool(meaning.assigns_plan and plan.keys and agreement),
        says_plan_changed=meaning.changes_plan,
        collection=meaning.collection if is_told else None,
        agreement_cancelled_at=at if cancelled else None,
        cancelled_plan=plan if cancelled and plan.keys else None,
    )


def _agreement(
    meaning: Meaning,
    payload: Mapping[str, Any],
    at: datetime,
    customer: CustomerRef,
    plan: PlanRef,
    agreement: str,
) -> SubscriptionFact:
    # What is due on a failed or overdue invoice is that invoice, not the next period.
    period_end = PERIOD_END if _money_is_owed(meaning) else INVOICE_DUE + PERIOD_END
    return SubscriptionFact(
        agreement,
        customer=customer,
        plan=plan,
        plan_name=text_at(payload, *PLAN_NAME),
        says_plan_changed=meaning.changes_plan,
        lifecycle=meaning.lifecycle,
        collection=meaning.collection,
        started_at=at if meaning.lifecycle == Lifecycle.STARTED else None,
        cancelled_at=at if meaning.lifecycle == Lifecycle.ENDED else None,
        current_period_end=time_at(payload, *period_end),
    )


def _invoice(
    meaning: Meaning, payload: Mapping[str, Any], customer: CustomerRef, agreement: str
) -> Iterator[InvoiceFact]:
    invoice = id_at(payload, *INVOICE_ID)
    status = meaning.invoice
    # Kinde sends no event for a paid invoice, but its payment may name it.
    if meaning.payment == PaymentStatus.SUCCEEDED and invoice:
        status = InvoiceStatus.PAID
    if status:
        yield InvoiceFact(
            status=status,
            external_id=invoice,
            customer=customer,
            subscription=agreement,
            money=_money(payload),
            due_at=time_at(payload, *INVOICE_DUE) if meaning.invoice else None,
        )


def _money_is_owed(meaning: Meaning) -> bool:
    return meaning.collection in {Collection.FAILED, Collection.OVERDUE}


def _money(payload: Mapping[str, Any]) -> Money | None:
    amount = number_at(payload, *AMOUNT)
    if amount is None:
        return None
    currency = text_at(payload, *CURRENCY, limit=MAX_CURRENCY_LENGTH)
    return Money(amount, AmountUnit.UNKNOWN, currency)
