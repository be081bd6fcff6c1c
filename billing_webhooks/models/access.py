"""
The one rule about who may use what.

Two tables, whose first rule that applies decides: one for subscriptions, one for plans that
customers have without any. The database alone decides, by `deciding`; whatever asks reads
what it says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Case, Value, When
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from billing_webhooks.conf import settings
from billing_webhooks.facts import Collection
from billing_webhooks.facts import SubscriptionStatus as Status
from billing_webhooks.models import conditions
from billing_webhooks.models.conditions import Condition, grace_of, later

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


class Verdict(IntEnum):
    """How firmly a rule grants access, or how far from access one is; the best first."""

    FULL = 1
    GRACE = 2
    PAID = 3
    OWING = 4
    STOPPED = 5
    OVER = 6
    NONE = 7


@dataclass(frozen=True)
class Standing:
    """What an end is computed from: columns of a subscription and of its customer."""

    in_arrears_since: datetime | None = None
    current_period_end: datetime | None = None
    cancelled_at: datetime | None = None
    customer_in_arrears_since: datetime | None = None
    collection: str = ""
    plan_ended_at: datetime | None = None


End = Callable[[Standing], datetime | None]


def _never(standing: Standing) -> datetime | None:
    return None


def _period_end(standing: Standing) -> datetime | None:
    return standing.current_period_end


def _limit(standing: Standing) -> datetime | None:
    return later(standing.cancelled_at, settings.ACCESS_CANCELLING_LIMIT)


def _end_of_plan(standing: Standing) -> datetime | None:
    return standing.plan_ended_at


def _grace_after(collection: Collection) -> End:
    return lambda standing: later(standing.in_arrears_since, grace_of(collection))


@dataclass(frozen=True)
class Rule:
    """One rule: to what it applies at a time, what it says, and when what it grants ends."""

    code: str
    verdict: Verdict
    words: StrOrPromise
    applies: Condition
    end: End = _never

    @property
    def grants(self) -> bool:
        return self.verdict <= Verdict.PAID

    def until(self, standing: Standing) -> datetime | None:
        """Return when what it grants ends by what is known: a grace of the customer's, too."""
        ends = [self.end(standing)]
        if standing.collection in {Collection.FAILED, Collection.OVERDUE}:
            ends.append(later(standing.customer_in_arrears_since, grace_of(standing.collection)))
        return min((each for each in ends if each), default=None) if self.grants else None


FULL, GRACE, PAID, OWING, STOPPED, OVER, NONE = Verdict

DISABLED = _("The provider has disabled the customer.")
IN_ARREARS = _("The customer owes money, and the grace is over.")

# The first that applies decides; the last applies to all that are left.
SUBSCRIPTION_RULES = (
    Rule("customer_disabled", STOPPED, DISABLED, conditions.is_disabled("customer__")),
    Rule("customer_in_arrears", OWING, IN_ARREARS, conditions.is_in_arrears("customer__")),
    Rule(
        "cancelling_paid",
        PAID,
        _("It is cancelled for the end of the period, which is still to come."),
        conditions.cancels_at_period_end,
        _period_end,
    ),
    Rule(
        "cancelling_open",
        PAID,
        _("It is cancelled and ends later. Nothing says when, so a limit of the settings counts."),
        conditions.cancels_some_time,
        _limit,
    ),
    Rule(
        "cancelling_over",
        OVER,
        _("It was cancelled, and its end has passed."),
        conditions.status_is(Status.CANCELLING),
    ),
    Rule(
        "provider_active",
        FULL,
        _("The provider counts it as active."),
        conditions.provider_says(active=True),
    ),
    Rule(
        "provider_inactive",
        STOPPED,
        _("The provider does not count it as active."),
        conditions.provider_says(active=False),
    ),
    Rule("active", FULL, _("It is active."), conditions.status_is(Status.ACTIVE)),
    Rule("trialing", FULL, _("It is on trial."), conditions.status_is(Status.TRIALING)),
    Rule(
        "past_due_grace",
        GRACE,
        _("A payment failed, and the grace is not over."),
        conditions.owes_within_grace(Status.PAST_DUE, Collection.FAILED),
        _grace_after(Collection.FAILED),
    ),
    Rule(
        "past_due_over",
        OWING,
        _("A payment failed, and the grace is over."),
        conditions.status_is(Status.PAST_DUE),
    ),
    Rule(
        "unpaid_grace",
        GRACE,
        _("An invoice is overdue, and the grace is not over."),
        conditions.owes_within_grace(Status.UNPAID, Collection.OVERDUE),
        _grace_after(Collection.OVERDUE),
    ),
    Rule(
        "unpaid_over",
        OWING,
        _("An invoice is overdue, and the grace is over."),
        conditions.status_is(Status.UNPAID),
    ),
    Rule(
        "cancelled_replaced",
        OVER,
        _("It was cancelled, and another took its place."),
        conditions.cancelled_and_replaced,
    ),
    Rule(
        "cancelled_owing",
        OVER,
        _("It was cancelled while money was owed for it."),
        conditions.cancelled_and_owing,
    ),
    Rule(
        "cancelled_paid",
        PAID,
        _("It was cancelled, and the period that is paid is not over."),
        conditions.cancelled_in_paid_period,
        _period_end,
    ),
    Rule(
        "cancelled_over",
        OVER,
        _("It was cancelled, and nothing that is paid is left."),
        conditions.status_is(Status.CANCELLED),
    ),
    Rule("paused", STOPPED, _("It is paused."), conditions.status_is(Status.PAUSED)),
    Rule("unknown", STOPPED, _("No event says how it stands."), conditions.everything),
)

NOTHING = Rule(
    "nothing", NONE, _("Nothing of the kind was bought."), conditions.has_no_plan_of_its_own
)

# Of a plan that the customer has without any subscription that could be about it.
CUSTOMER_RULES = (
    NOTHING,
    Rule("customer_disabled", STOPPED, DISABLED, conditions.is_disabled()),
    Rule("customer_in_arrears", OWING, IN_ARREARS, conditions.is_in_arrears()),
    Rule(
        "customer_plan_ended",
        OVER,
        _("The customer's plan was cancelled."),
        conditions.plan_has_ended,
    ),
    Rule(
        "customer_plan_grace",
        GRACE,
        _("The customer has the plan and owes money; the grace is not over."),
        conditions.is_within_grace,
        _end_of_plan,
    ),
    Rule(
        "customer_plan",
        FULL,
        _("The customer has the plan, and no subscription is about it."),
        conditions.everything,
        _end_of_plan,
    ),
)

# Where there is no row: nobody pays, or nobody asks.
NO_CUSTOMER = Rule(
    "no_customer", NONE, _("No customer is linked to the user."), conditions.everything
)
NO_USER = Rule("no_user", NONE, _("Nobody is signed in."), conditions.everything)


def deciding(rules: Iterable[Rule], at: datetime | None) -> Case:
    """
    Return the expression for the code of the first rule that applies, by default now.

    `at` moves the clock of graces and ends; it does not bring back earlier states.
    """
    *asked, last = rules
    moment = timezone.now() if at is None else at
    whens = [When(rule.applies(moment), then=Value(rule.code)) for rule in asked]
    return Case(*whens, default=Value(last.code), output_field=models.CharField())


def granting(rules: Iterable[Rule]) -> list[str]:
    """Return the codes of those that grant access."""
    return [rule.code for rule in rules if rule.grants]
