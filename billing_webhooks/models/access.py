"""
The one rule about who may use what.

Two tables, whose first rule that applies decides: one for subscriptions, one for plans that
customers have without any. The database alone decides, by `deciding`; whatever asks reads
what it says. The policy is read from the settings at that moment.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.db import models
from django.db.models import Case, Exists, OuterRef, Q, Value, When
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from billing_webhooks.conf import settings
from billing_webhooks.facts import Collection
from billing_webhooks.facts import SubscriptionStatus as Status

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

# A change of plan cancels the old agreement and starts the new one at about the same time.
SAME_TIME = timedelta(minutes=5)

Condition = Callable[[datetime], Q]


class Verdict(IntEnum):
    """How firmly a rule grants access, or how far from access one is; the best first."""

    FULL = 1
    GRACE = 2
    PAID = 3
    OWING = 4
    STOPPED = 5
    OVER = 6
    NOTHING = 7


@dataclass(frozen=True)
class Standing:
    """What a rule's end is computed from: columns of a subscription and of its customer."""

    in_arrears_since: datetime | None = None
    current_period_end: datetime | None = None
    cancelled_at: datetime | None = None
    customer_in_arrears_since: datetime | None = None
    collection: str = ""
    plan_ended_at: datetime | None = None


@dataclass(frozen=True)
class Rule:
    """One rule: to what it applies at a time, what it says, and when what it grants ends."""

    code: str
    verdict: Verdict
    words: StrOrPromise
    applies: Condition
    end: Callable[[Standing], datetime | None] = lambda standing: None

    @property
    def grants(self) -> bool:
        return self.verdict <= Verdict.PAID

    def until(self, standing: Standing) -> datetime | None:
        """Return when what it grants ends by what is known."""
        grace = grace_of(standing.collection)
        ends = (self.end(standing), grace and later(standing.customer_in_arrears_since, grace))
        return min((each for each in ends if each), default=None) if self.grants else None


def grace_of(collection: str) -> timedelta | None:
    """Return for how long access goes on after such news about money, None where it ends none."""
    return {
        Collection.FAILED: settings.ACCESS_GRACE_FAILED_PAYMENT,
        Collection.OVERDUE: settings.ACCESS_GRACE_OVERDUE_INVOICE,
    }.get(Collection(collection) if collection else Collection.PAID)


def later(moment: datetime | None, span: timedelta) -> datetime | None:
    """Return the time that is so much later, None if that is never."""
    try:
        return moment and moment + span
    except OverflowError:
        return None


def earlier(moment: datetime, span: timedelta) -> datetime:
    """Return the time that is so much earlier, or one before everything."""
    try:
        return max(moment - span, moment.replace(year=1900))
    except (OverflowError, ValueError):
        return moment.replace(year=1900, day=1)


def _disabled(prefix: str = "") -> Condition:
    def applies(at: datetime) -> Q:
        kept = settings.ACCESS_OF_DISABLED_CUSTOMERS
        return Q(pk__in=[]) if kept else Q(**{f"{prefix}is_disabled": True})

    return applies


def _in_arrears(prefix: str = "") -> Condition:
    def applies(at: datetime) -> Q:
        conditions = Q(pk__in=[])
        for collection in (Collection.FAILED, Collection.OVERDUE):
            since = earlier(at, grace_of(collection) or timedelta())
            conditions |= Q(
                **{f"{prefix}collection": collection, f"{prefix}in_arrears_since__lte": since}
            )
        return conditions

    return applies


def _said(by_provider: bool) -> Condition:
    def applies(at: datetime) -> Q:
        counts = settings.ACCESS_BY_PROVIDER
        return Q(counts_as_active=by_provider) if counts else Q(pk__in=[])

    return applies


def _is(*statuses: Status) -> Condition:
    return lambda at: Q(status__in=statuses)


def _cancelling_open(at: datetime) -> Q:
    limit = earlier(at, settings.ACCESS_CANCELLING_LIMIT)
    is_recent = Q(cancelled_at=None) | Q(cancelled_at__gt=limit)
    return Q(status=Status.CANCELLING, current_period_end=None) & is_recent


def _owing(status: Status, collection: Collection) -> Condition:
    def applies(at: datetime) -> Q:
        since = earlier(at, grace_of(collection) or timedelta())
        return Q(status=status) & (Q(in_arrears_since=None) | Q(in_arrears_since__gt=since))

    return applies


def _paid_ahead(at: datetime) -> Q:
    if not settings.ACCESS_UNTIL_PERIOD_END:
        return Q(pk__in=[])
    return Q(status=Status.CANCELLED, current_period_end__gt=at)


def _replaced(at: datetime) -> Q:
    others = _model("Subscription")._base_manager.filter(
        ~Q(pk=OuterRef("pk")),
        ~Q(status=Status.CANCELLED) | Q(cancelled_at__gt=OuterRef("cancelled_at")),
        customer=OuterRef("customer"),
        started_at__gte=OuterRef("cancelled_at") - Value(SAME_TIME),
    )
    return _paid_ahead(at) & Q(Exists(others))


def _has_no_plan_of_its_own(at: datetime) -> Q:
    about_it = _model("Subscription")._base_manager.filter(
        Q(plan=None) | Q(plan=OuterRef("plan")), customer=OuterRef("pk")
    )
    return Q(plan=None) | Q(Exists(about_it))


def _after_grace(collection: Collection) -> Callable[[Standing], datetime | None]:
    return lambda standing: later(standing.in_arrears_since, grace_of(collection) or timedelta())


def _period_end(standing: Standing) -> datetime | None:
    return standing.current_period_end


FULL, GRACE, PAID, OWING, STOPPED, OVER, NOTHING_THERE = Verdict

DISABLED = _("The provider has disabled the customer.")
IN_ARREARS = _("The customer owes money, and the grace is over.")

# The first that applies decides; the last applies to all that are left.
SUBSCRIPTION_RULES = (
    Rule("customer_disabled", STOPPED, DISABLED, _disabled("customer__")),
    Rule("customer_in_arrears", OWING, IN_ARREARS, _in_arrears("customer__")),
    Rule(
        "cancelling_paid",
        PAID,
        _("It is cancelled to the end of the period, which is still to come."),
        lambda at: Q(status=Status.CANCELLING, current_period_end__gt=at),
        _period_end,
    ),
    Rule(
        "cancelling_open",
        PAID,
        _("It is cancelled and ends later; no event says when."),
        _cancelling_open,
        lambda standing: later(standing.cancelled_at, settings.ACCESS_CANCELLING_LIMIT),
    ),
    Rule(
        "cancelling_over",
        OVER,
        _("It was cancelled, and its end has passed."),
        _is(Status.CANCELLING),
    ),
    Rule("provider_active", FULL, _("The provider counts it as active."), _said(True)),
    Rule(
        "provider_inactive", STOPPED, _("The provider does not count it as active."), _said(False)
    ),
    Rule("active", FULL, _("It is active."), _is(Status.ACTIVE)),
    Rule("trialing", FULL, _("It is on trial."), _is(Status.TRIALING)),
    Rule(
        "past_due_grace",
        GRACE,
        _("A payment failed, and the grace is not over."),
        _owing(Status.PAST_DUE, Collection.FAILED),
        _after_grace(Collection.FAILED),
    ),
    Rule(
        "past_due_over", OWING, _("A payment failed, and the grace is over."), _is(Status.PAST_DUE)
    ),
    Rule(
        "unpaid_grace",
        GRACE,
        _("An invoice is overdue, and the grace is not over."),
        _owing(Status.UNPAID, Collection.OVERDUE),
        _after_grace(Collection.OVERDUE),
    ),
    Rule(
        "unpaid_over", OWING, _("An invoice is overdue, and the grace is over."), _is(Status.UNPAID)
    ),
    Rule("cancelled_replaced", OVER, _("It was cancelled, and another took its place."), _replaced),
    Rule(
        "cancelled_owing",
        OVER,
        _("It was cancelled while money was owed for it."),
        lambda at: _paid_ahead(at) & Q(in_arrears_since__isnull=False),
    ),
    Rule(
        "cancelled_paid",
        PAID,
        _("It was cancelled, and the period that is paid is not over."),
        _paid_ahead,
        _period_end,
    ),
    Rule("cancelled_over", OVER, _("It was cancelled."), _is(Status.CANCELLED)),
    Rule("paused", STOPPED, _("It is paused."), _is(Status.PAUSED)),
    Rule("unknown", STOPPED, _("No event says how it stands."), lambda at: Q()),
)

NOTHING = Rule(
    "nothing", NOTHING_THERE, _("Nothing of the kind was bought."), _has_no_plan_of_its_own
)

# Of a plan that the customer has without any subscription that could be about it.
CUSTOMER_RULES = (
    NOTHING,
    Rule("customer_disabled", STOPPED, DISABLED, _disabled()),
    Rule("customer_in_arrears", OWING, IN_ARREARS, _in_arrears()),
    Rule(
        "customer_plan_ended",
        OVER,
        _("The customer's plan was cancelled."),
        lambda at: Q(plan_ended_at__lte=at),
    ),
    Rule(
        "customer_plan_grace",
        GRACE,
        _("The customer has the plan and owes money; the grace is not over."),
        lambda at: Q(
            collection__in=[Collection.FAILED, Collection.OVERDUE], in_arrears_since__isnull=False
        ),
        lambda standing: standing.plan_ended_at,
    ),
    Rule(
        "customer_plan",
        FULL,
        _("The customer has the plan, and no subscription is about it."),
        lambda at: Q(),
        lambda standing: standing.plan_ended_at,
    ),
)

# Of no row: nobody pays, or nobody asks.
NO_CUSTOMER = Rule(
    "no_customer", NOTHING_THERE, _("No customer is linked to the user."), lambda at: Q()
)
NO_USER = Rule("no_user", NOTHING_THERE, _("Nobody is signed in."), lambda at: Q())


def deciding(rules: Iterable[Rule], at: datetime | None) -> Case:
    """
    Return the expression for the code of the first rule that applies, now by default.

    `at` moves the clock of graces and ends; it does not bring back earlier states.
    """
    *asked, last = rules
    moment = timezone.now() if at is None else at
    whens = [When(rule.applies(moment), then=Value(rule.code)) for rule in asked]
    return Case(*whens, default=Value(last.code), output_field=models.CharField())


def granting(rules: Iterable[Rule]) -> list[str]:
    """Return the codes of those that grant access."""
    return [rule.code for rule in rules if rule.grants]


def _model(name: str) -> Any:
    # The models have these rules in their methods.
    return apps.get_model("billing_webhooks", name)
