"""
What the rules of access ask of a row, as conditions for the database.

Each is a function of the time for which is asked, and reads the policy from the settings
when it is called.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef, Q, Value

from billing_webhooks.conf import settings
from billing_webhooks.facts import Collection
from billing_webhooks.facts import SubscriptionStatus as Status
from billing_webhooks.models.lookups import model_called

Condition = Callable[[datetime], Q]

# A change of plan cancels the old agreement and starts the new one at about the same time.
SAME_TIME = timedelta(minutes=5)

NEVER = Q(pk__in=[])


def grace_of(collection: str) -> timedelta:
    """Return how long access goes on after bad news about money."""
    if collection == Collection.OVERDUE:
        return settings.ACCESS_GRACE_OVERDUE_INVOICE
    return settings.ACCESS_GRACE_FAILED_PAYMENT


def later(moment: datetime | None, span: timedelta) -> datetime | None:
    """Return the time that is so much later, None if that is never."""
    try:
        return moment and moment + span
    except OverflowError:
        return None


def earlier(moment: datetime, span: timedelta) -> datetime:
    """Return the time that is so much earlier, or one before everything."""
    try:
        return moment - span
    except OverflowError:
        return moment.replace(year=1, month=1, day=2)


def everything(at: datetime) -> Q:
    """The condition of the last rule of a table."""
    return Q()


def is_disabled(prefix: str = "") -> Condition:
    """Of a customer, or with the prefix "customer__" of what belongs to one."""

    def condition(at: datetime) -> Q:
        kept = settings.ACCESS_OF_DISABLED_CUSTOMERS
        return NEVER if kept else Q(**{f"{prefix}is_disabled": True})

    return condition


def is_in_arrears(prefix: str = "") -> Condition:
    """By news that named no subscription, beyond the grace; for the prefix see `is_disabled`."""

    def owes(collection: Collection, at: datetime) -> Q:
        since = earlier(at, grace_of(collection))
        return Q(**{f"{prefix}collection": collection, f"{prefix}in_arrears_since__lte": since})

    return lambda at: owes(Collection.FAILED, at) | owes(Collection.OVERDUE, at)


def is_within_grace(at: datetime) -> Q:
    """Of a customer for which `is_in_arrears` does not hold."""
    collections = [Collection.FAILED, Collection.OVERDUE]
    return Q(collection__in=collections, in_arrears_since__isnull=False)


def provider_says(active: bool) -> Condition:
    return lambda at: Q(counts_as_active=active) if settings.ACCESS_BY_PROVIDER else NEVER


def status_is(status: Status) -> Condition:
    return lambda at: Q(status=status)


def owes_within_grace(status: Status, collection: Collection) -> Condition:
    def condition(at: datetime) -> Q:
        since = earlier(at, grace_of(collection))
        return Q(status=status) & (Q(in_arrears_since=None) | Q(in_arrears_since__gt=since))

    return condition


def cancels_at_period_end(at: datetime) -> Q:
    return Q(status=Status.CANCELLING, current_period_end__gt=at)


def cancels_some_time(at: datetime) -> Q:
    limit = earlier(at, settings.ACCESS_CANCELLING_LIMIT)
    is_recent = Q(cancelled_at=None) | Q(cancelled_at__gt=limit)
    return Q(status=Status.CANCELLING, current_period_end=None) & is_recent


def cancelled_in_paid_period(at: datetime) -> Q:
    if not settings.ACCESS_UNTIL_PERIOD_END:
        return NEVER
    return Q(status=Status.CANCELLED, current_period_end__gt=at)


def cancelled_and_replaced(at: datetime) -> Q:
    """Another began when it ended, and has not ended before it itself."""
    # It is not found itself: it is cancelled, and not later than it is.
    others = model_called("Subscription")._base_manager.filter(
        ~Q(status=Status.CANCELLED) | Q(cancelled_at__gt=OuterRef("cancelled_at")),
        customer=OuterRef("customer"),
        started_at__gte=OuterRef("cancelled_at") - Value(SAME_TIME),
        started_at__lte=OuterRef("cancelled_at") + Value(SAME_TIME),
    )
    return cancelled_in_paid_period(at) & Q(Exists(others))


def cancelled_and_owing(at: datetime) -> Q:
    return cancelled_in_paid_period(at) & Q(in_arrears_since__isnull=False)


def has_no_plan_of_its_own(at: datetime) -> Q:
    """Of a customer: it has no plan, or an agreement has it, of the customer's or another's."""
    about_it = model_called("Subscription")._base_manager.filter(
        Q(plan=None) | Q(plan=OuterRef("plan")), customer=OuterRef("pk")
    )
    return Q(plan=None) | Q(plan_by_agreement=True) | Q(Exists(about_it))


def plan_has_ended(at: datetime) -> Q:
    return Q(plan_ended_at__lte=at)
