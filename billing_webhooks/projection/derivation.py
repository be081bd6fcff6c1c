"""
Columns that follow from registers.

No event sets them, so no order of events can set them wrong. A new status is one more
choice in `facts.SubscriptionStatus` and one more case here, or one more word in a
provider's table of its own statuses.
"""

from __future__ import annotations

from datetime import datetime

from billing_webhooks.facts import Collection, CustomerKind, Lifecycle
from billing_webhooks.facts import SubscriptionStatus as Status
from billing_webhooks.models import Customer, Plan, Subscription
from billing_webhooks.models.billing import BillingRow
from billing_webhooks.projection.registers import Draft

# What the latest news about collecting money makes of an agreement that has not ended.
STATUS_BY_COLLECTION = {
    Collection.PAID: Status.ACTIVE,
    Collection.FAILED: Status.PAST_DUE,
    Collection.OVERDUE: Status.UNPAID,
}


def derive(draft: Draft[BillingRow]) -> None:
    """Bring the derived columns of a draft in line with its registers."""
    row = draft.row
    if isinstance(row, Customer):
        row.kind = customer_kind(row)
    elif isinstance(row, Plan):
        said = draft.value("said_code")
        row.code = row.external_id if said is None else said
    elif isinstance(row, Subscription):
        row.status = subscription_status(draft)
        row.plan_name = _plan_name(draft)
        cancelled_at = draft.value("cancellation")
        is_cancelled = row.status in {Status.CANCELLING, Status.CANCELLED}
        row.cancelled_at = (
            datetime.fromisoformat(cancelled_at) if cancelled_at and is_cancelled else None
        )


def subscription_status(draft: Draft[BillingRow]) -> Status:
    """
    Return the status that the registers of a subscription add up to.

    The provider's own word is believed over everything but a later end. Otherwise an
    agreement that has ended is cancelled, whatever was paid for it later; one that has
    not is what the latest news about its money says.
    """
    said, said_at = draft.value("said_status"), draft.stamp("said_status")
    lifecycle, lifecycle_at = draft.value("lifecycle"), draft.stamp("lifecycle")
    has_ended = lifecycle == Lifecycle.ENDED
    if said is not None and not (has_ended and lifecycle_at and said_at and lifecycle_at > said_at):
        return Status(said)
    if has_ended:
        return Status.CANCELLED
    collection = draft.value("collection")
    if collection is not None:
        return STATUS_BY_COLLECTION[Collection(collection)]
    if lifecycle == Lifecycle.STARTED or draft.value("plan_key") is not None:
        return Status.ACTIVE
    return Status.UNKNOWN


def customer_kind(customer: Customer) -> CustomerKind:
    """Return what a customer is, where its ids leave no doubt."""
    if customer.organization_code and not customer.user_external_id:
        return CustomerKind.ORGANIZATION
    if customer.user_external_id and not customer.organization_code:
        return CustomerKind.PERSON
    return CustomerKind.UNKNOWN


def _plan_name(draft: Draft[BillingRow]) -> str:
    # A name counts only for the plan with which it was said: an event that changes the
    # plan without naming the new one must not leave the old one's name behind.
    named = draft.value("named_plan")
    return named[1] if named and named[0] == draft.value("plan_key") else ""
