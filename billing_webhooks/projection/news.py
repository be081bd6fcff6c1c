"""Which domain signals a change of a row is worth."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from billing_webhooks.facts import InvoiceStatus, PaymentStatus
from billing_webhooks.facts import SubscriptionStatus as Status
from billing_webhooks.models import Customer, Invoice, Payment, Plan, Subscription, UsageRecord
from billing_webhooks.projection.registers import Draft

Changes: TypeAlias = Mapping[str, Sequence[Any]]

NOT_LIVE = frozenset({Status.UNKNOWN, Status.CANCELLED})


def signals_for(draft: Draft[Any], changes: Changes) -> list[str]:
    """Return the names of the domain signals that tell of these changes of a draft's row."""
    return NEWS[type(draft.row)](draft, changes) if changes else []


def _of_customer(draft: Draft[Customer], changes: Changes) -> list[str]:
    names = ["customer_created" if draft.was_new else "customer_changed"]
    return names + _plan_changed(draft, changes)


def _of_plan(draft: Draft[Plan], changes: Changes) -> list[str]:
    return ["catalogue_changed"]


def _of_subscription(draft: Draft[Subscription], changes: Changes) -> list[str]:
    old, new = changes.get("status", (draft.row.status, draft.row.status))
    names = []
    if (old is None or old in NOT_LIVE) and new not in NOT_LIVE:
        names.append("subscription_started")
    if not draft.was_new or new == Status.UNKNOWN:
        names.append("subscription_changed")
    names += _plan_changed(draft, changes)
    if "trial_started_at" in changes:
        names.append("trial_started")
    if "trial_ended_at" in changes:
        names.append("trial_ended")
    if new == Status.CANCELLED != old:
        names.append("subscription_ended")
    return names


def _of_payment(draft: Draft[Payment], changes: Changes) -> list[str]:
    news = {
        PaymentStatus.SUCCEEDED: "payment_succeeded",
        PaymentStatus.FAILED: "payment_failed",
    }
    return [news[changes["status"][1]] if "status" in changes else "payment_changed"]


def _of_invoice(draft: Draft[Invoice], changes: Changes) -> list[str]:
    news = {
        InvoiceStatus.OVERDUE: "invoice_overdue",
        InvoiceStatus.PAID: "invoice_paid",
    }
    return [news[changes["status"][1]] if "status" in changes else "invoice_changed"]


def _of_usage(draft: Draft[UsageRecord], changes: Changes) -> list[str]:
    return ["usage_recorded"] if draft.was_new else []


def _plan_changed(draft: Draft[Any], changes: Changes) -> list[str]:
    """
    Tell of a change of plan where the plan before is known, or where the event says
    that it is one. The first plan of a new customer is no change.
    """
    if "plan" not in changes:
        return []
    is_change = changes["plan"][0] is not None or draft.says_plan_changed
    return ["plan_changed"] if is_change else []


NEWS: Mapping[type, Callable[[Draft[Any], Changes], list[str]]] = {
    Customer: _of_customer,
    Plan: _of_plan,
    Subscription: _of_subscription,
    Payment: _of_payment,
    Invoice: _of_invoice,
    UsageRecord: _of_usage,
}
