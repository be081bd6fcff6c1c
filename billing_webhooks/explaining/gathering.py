"""Everything an answer depends on, looked up in a number of queries that does not grow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from billing_webhooks.access.users import User, billing_of
from billing_webhooks.explaining.missing import (
    notes_of_answer,
    notes_of_customer,
    notes_of_plans,
    waiting_of,
)
from billing_webhooks.explaining.sources import events_of, registers_of
from billing_webhooks.explaining.telling import (
    CustomerTold,
    Explanation,
    RuleTold,
    SubscriptionTold,
)
from billing_webhooks.models import Customer, CustomerLink, Plan, Subscription
from billing_webhooks.models.access import NO_CUSTOMER, NOTHING
from billing_webhooks.models.answers import Decided, decided
from billing_webhooks.models.querysets import CustomerQuerySet

DATES = (
    "in_arrears_since",
    "current_period_end",
    "cancelled_at",
    "customer_in_arrears_since",
    "plan_ended_at",
)


def explain(
    who: User | Customer,
    *plans: Plan | str,
    at: datetime | None = None,
    suggest: bool = True,
) -> Explanation:
    """
    Return whether a user or customer may use any of these plans, and all it follows from.

    Without plans: whether anything grants access. Their other plans are told too. `at`
    moves the clock of graces and ends; it does not bring back earlier states. With
    `suggest`, notes say which names no plan has, and which there are that look like them:
    not for whoever may not know what else is sold.
    """
    moment = timezone.now() if at is None else at
    customers = _customers_of(who)
    everything = decided(customers, at=moment)
    wanted = decided(customers, *plans, at=moment) if plans else everything
    gathered = Gathered(who, everything, wanted)
    best = wanted[0] if wanted else Decided(NO_CUSTOMER)
    return Explanation(
        who=_who(who),
        plans=tuple(str(plan) for plan in plans),
        at=moment,
        granted=best.rule.grants,
        rule=best.rule.code,
        reason=str(best.rule.words),
        until=best.until,
        subscription_id=best.subscription_id,
        customer_id=best.customer_id,
        customers=tuple(gathered.told()),
        notes=(
            *(notes_of_plans(plans) if suggest else ()),
            *notes_of_answer(best),
            *gathered.others(best),
        ),
    )


def _customers_of(who: User | Customer) -> CustomerQuerySet[Customer]:
    if isinstance(who, Customer):
        return Customer.objects.filter(pk=who.pk)
    return billing_of(who).customers


@dataclass
class Gathered:
    """
    The rows behind what was decided, of all customers of somebody.

    `wanted` is what was decided about the plans asked for, `everything` about all.
    """

    who: User | Customer
    everything: Sequence[Decided]
    wanted: Sequence[Decided]

    def told(self) -> Iterator[CustomerTold]:
        """Yield the customers, in the order in which they came."""
        waiting = waiting_of(self.rows)
        for row in self.rows:
            link = self.links.get(row.pk)
            yield CustomerTold(
                id=row.pk,
                provider=row.provider,
                external_id=row.external_id,
                organization_code=row.organization_code,
                email=row.email,
                is_disabled=row.is_disabled,
                linked_at=link.created_at if link else None,
                linked_by=link.resolver if link else "",
                plan=_name(row.plan),
                rule=_rule(self._of_customer[row.pk]),
                registers=registers_of(row, self.events),
                subscriptions=tuple(self._subscriptions(row)),
                notes=tuple(notes_of_customer(row, waiting[row.pk])),
            )

    def others(self, best: Decided) -> Iterator[str]:
        """Yield which plans they have, where none of those asked for is theirs."""
        has = {
            _name(self.plans.get(each.plan_id))
            for each in self.everything
            if each.plan_id in self.plans and each.rule is not NOTHING
        }
        if best.rule is NOTHING and has:
            yield _("What there is: {plans}.").format(plans=", ".join(sorted(has)))

    @cached_property
    def rows(self) -> list[Customer]:
        # What has come since it was decided is not part of the answer.
        keys = {each.customer_id for each in self.everything}
        customers = Customer.objects.filter(pk__in=keys)
        return list(customers.select_related("plan").order_by("pk"))

    @cached_property
    def subscriptions(self) -> list[Subscription]:
        keys = {each.subscription_id for each in self.everything} - {None}
        rows = Subscription.objects.in_bulk(keys)
        # What decides comes first.
        return [
            rows[each.subscription_id] for each in self.everything if each.subscription_id in rows
        ]

    @cached_property
    def plans(self) -> dict[Any, Plan]:
        return Plan.objects.in_bulk({each.plan_id for each in self.everything} - {None})

    @cached_property
    def links(self) -> dict[Any, CustomerLink]:
        if isinstance(self.who, Customer) or not self.rows:
            return {}
        links = CustomerLink.objects.filter(user=self.who.pk)
        return {link.customer_id: link for link in links}

    @cached_property
    def events(self) -> Any:
        return events_of([*self.rows, *self.subscriptions])

    @cached_property
    def _of_customer(self) -> dict[Any, Decided]:
        return {each.customer_id: each for each in self.everything if not each.subscription_id}

    def _subscriptions(self, customer: Customer) -> Iterator[SubscriptionTold]:
        found = {each.subscription_id: each for each in self.everything}
        asked_for = {each.subscription_id for each in self.wanted}
        for row in self.subscriptions:
            if row.customer_id == customer.pk:
                plan = self.plans.get(found[row.pk].plan_id)
                yield SubscriptionTold(
                    id=row.pk,
                    external_id=row.external_id,
                    plan=_name(plan) or row.plan_name,
                    is_asked_for=row.pk in asked_for,
                    status=str(row.get_status_display()),
                    provider_status=row.provider_status,
                    rule=_rule(found[row.pk]),
                    registers=registers_of(row, self.events),
                )


def _who(who: User | Customer) -> str:
    """Return a name that tells one from another: users may sign in by something else."""
    email = "" if isinstance(who, Customer) else getattr(who, "email", "")
    return f"{who} ({email})" if email and email != str(who) else str(who)


def _rule(each: Decided) -> RuleTold:
    dates = {name: getattr(each.standing, name) for name in DATES}
    return RuleTold(
        code=each.rule.code,
        granted=each.rule.grants,
        words=str(each.rule.words),
        until=each.until,
        dates={name: at for name, at in dates.items() if at is not None},
    )


def _name(plan: Plan | None) -> str:
    """Return what a plan is called, by people and in code."""
    if plan is None:
        return ""
    return f"{plan} ({plan.code})" if plan.code and plan.code != str(plan) else str(plan)
