"""What whoever is signed in has, and nothing of anybody else's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from django.db.models import QuerySet
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from billing_webhooks.access import billing_of
from billing_webhooks.api import filters
from billing_webhooks.api.base import BillingView, Listed, without_registers
from billing_webhooks.api.billing import EARLIEST, LATEST, Named, Subscriptions
from billing_webhooks.api.explanations import AccessSerializer, MyExplanationSerializer
from billing_webhooks.api.paging import NEWEST, OLDEST, Order
from billing_webhooks.api.plans import PLANS, plans_in
from billing_webhooks.api.serializers import (
    MyCustomerSerializer,
    UsageSerializer,
)
from billing_webhooks.explaining import explain
from billing_webhooks.models import Customer, Subscription, UsageRecord


class Mine(BillingView):
    """A view for whoever is signed in; `of_customers` is the way from a row to its customer."""

    permission_classes: Any = (IsAuthenticated,)
    throttle_scope = "billing_webhooks_me"
    of_customers = "customer"

    def get_queryset(self) -> QuerySet[Any]:
        mine = billing_of(self.request.user).customers.values("pk")
        return super().get_queryset().filter(**{f"{self.of_customers}__in": mine})


class MyCustomers(Mine, Listed, Named):
    """The customers that whoever is signed in is linked to."""

    of_customers = "pk"
    queryset = without_registers(Customer.objects.all(), "plan")
    serializer_class = MyCustomerSerializer


class MySubscriptions(Mine, Subscriptions):
    """Their subscriptions."""

    orders: ClassVar[Sequence[Order]] = (NEWEST, OLDEST)
    queryset = without_registers(Subscription.objects.all(), "customer", "plan")
    filterset_class = None


class MyUsage(Mine, Listed):
    """What their meters have read."""

    orders = (NEWEST, OLDEST, EARLIEST, LATEST)
    queryset = without_registers(UsageRecord.objects.all(), "customer", "subscription")
    serializer_class = UsageSerializer
    filterset_class = filters.MyUsageFilters


class MyAccess(Mine):
    """What whoever is signed in may use."""

    parameters = {"access": (PLANS,), "explain": (PLANS,)}
    answers = {"access": AccessSerializer, "explain": MyExplanationSerializer}

    def access(self, request: Request) -> Response:
        """Whether whoever is signed in may use any of these plans, or anything."""
        plans, billing = plans_in(request), billing_of(request.user)
        answer = billing.has_plan(*plans) if plans else billing.has_active_subscription()
        return Response(self.get_serializer(answer).data)

    def explain(self, request: Request) -> Response:
        """The same, with all it follows from."""
        explanation = explain(request.user, *plans_in(request), suggest=False)
        return Response(self.get_serializer(explanation).data)
