"""
Columns that follow from registers.

No event sets them, so no order of events can set them wrong. A new status is one more
choice in `facts.SubscriptionStatus` and one more case here, or one more word in a
provider's table of its own statuses.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from billing_webhooks.facts import Collection, CustomerKind, Key, Lifecycle
from billing_webhooks.facts import SubscriptionStatus as Status
from billing_webhooks.models import Customer, Plan, Subscription
from billing_webhooks.models.entries import Entry
from billing_webhooks.projection.registers import Draft, name_of
from billing_webhooks.projection.spells import ARREARS, CANCELLATION

# What the latest news about collecting money makes of an agreement that has not ended.
STATUS_BY_COLLECTION = {
    Collection.PAID: Status.ACTIVE,
    Collection.FAILED: Status.PAST_DUE,
    Collection.OVERDUE: Status.UNPAID,
}

# What is so, or was when it ended, because money is owed.
OWING = frozenset({Status.PAST_DUE, Status.UNPAID, Status.CANCELLED})


def derive(draft: Draft[Any]) -> None:
    """Bring the derived columns of a draft in line with its registers."""
    row = draft.row
    if isinstance(row, Customer):
        row.kind = customer_kind(row)
        is_owing = row.collection in {Collection.FAILED, Collection.OVERDUE}
        row.in_arrears_since = ARREARS.since(draft) if is_owing else None
        row.plan_ended_at = _plan_ended_at(draft)
    elif isinstance(row, Plan):
        said = draft.value("said_code")
        row.code = row.external_id if said is None else said
    elif isinstance(row, Subscription):
        _derive_subscription(row, draft)
    elif isinstance(row, Entry) and draft.value("customer_key") is None and row.subscription:
        # Whose it is was not said, but what it is for.
        row.customer_id = row.subscription.customer_id


def _derive_subscription(row: Subscription, draft: Draft[Any]) -> None:
    row.status = subscription_status(draft)
    row.plan_name = _plan_name(draft)
    # What was said of an earlier word says nothing of this one.
    is_said = not _ended_later(draft) and draft.stamp("said_active") == draft.stamp("said_status")
    row.counts_as_active = draft.value("said_active") if is_said else None
    row.in_arrears_since = ARREARS.since(draft) if row.status in OWING else None
    is_cancelled = row.status in {Status.CANCELLING, Status.CANCELLED}
    row.cancelled_at = CANCELLATION.since(draft) if is_cancelled else None


def subscription_status(draft: Draft[Any]) -> Status:
    """
    Return the status that the registers of a subscription add up to.

    The provider's own word is believed over everything but a later end. Otherwise an
    agreement that has ended is cancelled, whatever was paid for it later; one that has
    not is what the latest news about its money says.
    """
    said = draft.value("said_status")
    if said is not None and not _ended_later(draft):
        return Status(said)
    lifecycle = draft.value("lifecycle")
    if lifecycle == Lifecycle.ENDED:
        return Status.CANCELLED
    collection = draft.value("collection")
    if collection is not None:
        return STATUS_BY_COLLECTION[Collection(collection)]
    if lifecycle == Lifecycle.STARTED or draft.value("plan_key") is not None:
        return Status.ACTIVE
    return Status.UNKNOWN


def _ended_later(draft: Draft[Any]) -> bool:
    """Return whether an end came later than the provider's own word."""
    said_at, lifecycle_at = draft.stamp("said_status"), draft.stamp("lifecycle")
    if draft.value("lifecycle") != Lifecycle.ENDED or lifecycle_at is None:
        return False
    return said_at is None or lifecycle_at > said_at


def cancellation_of(plan: Key | None) -> str:
    """Return the register of a customer for cancellations that name this plan, or none."""
    return f"cancelled {name_of(plan)}" if plan else "cancelled"


def _plan_ended_at(draft: Draft[Any]) -> datetime | None:
    """Return when the plan that a customer is on was cancelled, None if it was not since."""
    said = draft.register("plan_key")
    if said is None:
        return None
    at, by, plan = said
    names = (cancellation_of(None), cancellation_of(tuple(plan)))
    later = [stamp for name in names if (stamp := draft.stamp(name)) and stamp > (at, by)]
    return max(later).moment if later else None


def customer_kind(customer: Customer) -> CustomerKind:
    """Return what a customer is, where its ids leave no doubt."""
    if customer.organization_code and not customer.user_external_id:
        return CustomerKind.ORGANIZATION
    if customer.user_external_id and not customer.organization_code:
        return CustomerKind.PERSON
    return CustomerKind.UNKNOWN


def _plan_name(draft: Draft[Any]) -> str:
    # A name counts only for the plan with which it was said: an event that changes the
    # plan without naming the new one must not leave the old one's name behind.
    named = draft.value("named_plan")
    return named[1] if named and named[0] == draft.value("plan_key") else ""
