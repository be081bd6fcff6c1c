"""What can be asked of plans, subscriptions and customers: who may use what."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Self, TypeVar

from django.db import models
from django.db.models import Case, Exists, OuterRef, Q, QuerySet, Value, When
from django.db.models.functions import Coalesce

from billing_webhooks.models.access import (
    CUSTOMER_RULES,
    NOTHING,
    SUBSCRIPTION_RULES,
    deciding,
    granting,
)
from billing_webhooks.models.lookups import model_called

if TYPE_CHECKING:
    from billing_webhooks.models.billing import Plan

# Which model it is, is told where it is made the manager of one.
Row = TypeVar("Row", bound=models.Model)


class PlanQuerySet(QuerySet[Row]):
    def called(self, *plans: Plan | str) -> Self:
        """
        Return the plans with any of these names, deleted ones too.

        A name is a code, an id or any other name by which the provider's events call a
        plan, to the letter; or it is the plan itself. Raise ValueError if there is none,
        or an empty one.
        """
        names, keys = names_and_keys(plans)
        identities = model_called("PlanIdentity")._base_manager.filter(value__in=names)
        return self.filter(
            Q(code__in=names)
            | Q(external_id__in=names)
            | Q(pk__in=identities.values("row"))
            | Q(pk__in=keys)
        )


class SubscriptionQuerySet(QuerySet[Row]):
    def with_access(self, at: datetime | None = None) -> Self:
        """
        Annotate `access_rule`, the code of the rule that decides, and `effective_plan`.

        `at` moves the clock of graces and ends; it does not bring back earlier states.
        """
        return self.annotate(
            access_rule=deciding(SUBSCRIPTION_RULES, at),
            effective_plan=Coalesce("plan", "customer__plan"),
        )

    def granting_access(self, at: datetime | None = None) -> Self:
        """Return those that grant access; for `at` see `with_access`."""
        return self.with_access(at).filter(access_rule__in=granting(SUBSCRIPTION_RULES))

    def of_plan(self, *plans: Plan | str) -> Self:
        """Return those of any of these plans; one that names none is of its customer's."""
        wanted = model_called("Plan").objects.called(*plans)
        return self.filter(Q(plan__in=wanted) | Q(plan=None, customer__plan__in=wanted))


class CustomerQuerySet(QuerySet[Row]):
    def with_access(self, *plans: Plan | str, at: datetime | None = None) -> Self:
        """
        Annotate `access_rule`: what decides about the plan a customer has without subscription.

        With `plans`, about these alone. For `at` see `Subscription.objects.with_access`.
        """
        rule = deciding(CUSTOMER_RULES, at)
        if plans:
            wanted = model_called("Plan").objects.called(*plans)
            rule = Case(
                When(plan__in=wanted, then=rule),
                default=Value(NOTHING.code),
                output_field=models.CharField(),
            )
        return self.annotate(access_rule=rule)

    def having_plan(self, *plans: Plan | str, at: datetime | None = None) -> Self:
        """Return those who may use any of these plans, with a subscription or without."""
        subscriptions = model_called("Subscription").objects
        paying = subscriptions.granting_access(at).of_plan(*plans).values("customer")
        wanted = model_called("Plan").objects.called(*plans)
        own = model_called("Customer").objects.filter(plan__in=wanted).with_access(at=at)
        by_themselves = own.filter(access_rule__in=granting(CUSTOMER_RULES)).values("pk")
        return self.filter(Q(pk__in=paying) | Q(pk__in=by_themselves))

    def unlinked(self) -> Self:
        """Return those that no user is linked to."""
        links = model_called("CustomerLink")._base_manager.filter(customer=OuterRef("pk"))
        return self.filter(~Exists(links))


def names_and_keys(plans: tuple[Plan | str, ...]) -> tuple[set[str], set[Any]]:
    """Return plans as names and as primary keys; raise ValueError if one is neither."""
    names = {plan for plan in plans if isinstance(plan, str)}
    keys = {getattr(plan, "pk", None) for plan in plans if not isinstance(plan, str)}
    if not plans or "" in names or None in keys:
        raise ValueError("Name at least one plan: by its code, by its id, or as a saved Plan.")
    return names, keys
