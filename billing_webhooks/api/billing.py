"""Customers, plans, subscriptions, payments and usage, for staff."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from django.db.models import QuerySet
from rest_framework.request import Request
from rest_framework.response import Response

from billing_webhooks.api import filters
from billing_webhooks.api.base import Listed, Retrieved, without_registers
from billing_webhooks.api.explanations import ExplanationSerializer
from billing_webhooks.api.naming import id_in, key_in, name_in
from billing_webhooks.api.paging import NEWEST, OLDEST, UPDATED, Order
from billing_webhooks.api.plans import PLANS, plans_in
from billing_webhooks.api.serializers import (
    CustomerSerializer,
    PaymentSerializer,
    PlanSerializer,
    SubscriptionSerializer,
    UsageSerializer,
)
from billing_webhooks.explaining import explain
from billing_webhooks.models import Customer, Payment, Plan, Subscription, UsageRecord

ENDING = Order("period_end", ("current_period_end", "pk"))
# Where an index has all readings of a meter of a customer in the order of time.
OF_A_METER = frozenset({"customer", "meter"})
EARLIEST = Order("earliest", ("occurred_at", "pk"), OF_A_METER)
LATEST = Order("latest", ("-occurred_at", "-pk"), OF_A_METER)


class Named(Retrieved):
    """Rows that are found by any of the names that events gave them."""

    def found(self, rows: QuerySet[Any], **names: str) -> QuerySet[Any]:
        kind, text = name_in(names["id"])
        of_provider = rows.filter(provider=names["provider"])
        if kind == "row":
            return of_provider.filter(pk=key_in(text))
        return of_provider.filter(
            identities__provider=names["provider"],
            identities__kind=kind,
            identities__value=text,
        )


class Customers(Listed, Named):
    """Who pays, by the provider's id or, where it gave none, by the organisation's code."""

    needs = {"": ("view_customer",), "explain": ("view_customer", "view_subscription")}
    parameters = {"explain": (PLANS,)}
    answers = {"explain": ExplanationSerializer}
    orders = (UPDATED, NEWEST, OLDEST)
    queryset = without_registers(Customer.objects.all(), "plan")
    serializer_class = CustomerSerializer
    filterset_class = filters.CustomerFilters

    def explain(self, request: Request, **names: str) -> Response:
        """Whether the customer may use any of these plans, or anything, and why."""
        may_see_plans = request.user.has_perm("billing_webhooks.view_plan")
        explanation = explain(self.get_object(), *plans_in(request), suggest=may_see_plans)
        return Response(self.get_serializer(explanation).data)


class Plans(Listed, Named):
    """What is sold."""

    needs = {"": ("view_plan",)}
    orders = (UPDATED, NEWEST, OLDEST)
    queryset = without_registers(Plan.objects.all())
    serializer_class = PlanSerializer
    filterset_class = filters.PlanFilters


class Subscriptions(Listed, Retrieved):
    """What customers have agreed to pay for."""

    needs = {"": ("view_subscription",)}
    orders: ClassVar[Sequence[Order]] = (UPDATED, NEWEST, OLDEST, ENDING)
    queryset = without_registers(Subscription.objects.all(), "customer", "plan")
    serializer_class = SubscriptionSerializer
    filterset_class: ClassVar[Any] = filters.SubscriptionFilters

    def found(self, rows: QuerySet[Any], **names: str) -> QuerySet[Any]:
        return rows.filter(provider=names["provider"], external_id=id_in(names["id"]))


class Entries(Listed, Retrieved):
    """What happened, by the provider's id or, where it gave none, by that of the event."""

    def found(self, rows: QuerySet[Any], **names: str) -> QuerySet[Any]:
        kind, text = name_in(names["id"])
        of_provider = rows.filter(provider=names["provider"])
        if kind == "row":
            return of_provider.filter(pk=key_in(text))
        return of_provider.filter(identity=f"{kind}:{text}")


class Payments(Entries):
    """What was paid, or could not be."""

    needs = {"": ("view_payment",)}
    orders = (UPDATED, NEWEST, OLDEST)
    queryset = without_registers(Payment.objects.all(), "customer", "subscription")
    serializer_class = PaymentSerializer
    filterset_class = filters.PaymentFilters


class Usage(Entries):
    """What meters have read."""

    needs = {"": ("view_usagerecord",)}
    orders = (UPDATED, NEWEST, OLDEST, EARLIEST, LATEST)
    queryset = without_registers(UsageRecord.objects.all(), "customer", "subscription")
    serializer_class = UsageSerializer
    filterset_class = filters.UsageFilters
