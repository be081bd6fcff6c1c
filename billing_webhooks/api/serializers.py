"""Rows as JSON: named fields alone, ids as the API spells them, times in UTC."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING, Any, ClassVar

from django.db import models
from rest_framework import ISO_8601, serializers

from billing_webhooks.api import segments
from billing_webhooks.models import Customer, Payment, Plan, Subscription, UsageRecord

if TYPE_CHECKING:
    ModelSerializer = serializers.ModelSerializer[Any]
else:
    ModelSerializer = serializers.ModelSerializer

ENTRY = ("provider", "id", "customer", "subscription", "occurred_at", "created_at", "updated_at")


class TimeField(serializers.DateTimeField):
    """In UTC, whatever the project's settings say."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{**options, "format": ISO_8601, "default_timezone": UTC})


class NumberField(serializers.DecimalField):
    """A number as text, which no reader makes another of."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{**options, "coerce_to_string": True, "localize": False})

    def to_representation(self, value: Any) -> str:
        return f"{value.normalize():f}"


class RowSerializer(ModelSerializer):
    serializer_field_mapping: ClassVar[Any] = {
        **serializers.ModelSerializer.serializer_field_mapping,
        models.DateTimeField: TimeField,
        models.DecimalField: NumberField,
    }

    def include_extra_kwargs(self, kwargs: Any, extra_kwargs: Any) -> Any:
        # Of what is only read the framework forgets that it may be "", and the schema would.
        blank = {"allow_blank": True} if "choices" in kwargs and kwargs.get("allow_blank") else {}
        return {**super().include_extra_kwargs(kwargs, extra_kwargs), **blank}


class OfCustomer(ModelSerializer):
    """What belongs to a customer, whom it names by her id."""

    customer = serializers.SerializerMethodField(help_text="The `id` of a customer.")

    def get_customer(self, row: Any) -> str | None:
        return None if row.customer is None else segments.of_customer(row.customer)


class CustomerSerializer(RowSerializer):
    id = serializers.SerializerMethodField(help_text="As addresses have it.")
    plan = serializers.SerializerMethodField(help_text="The `id` of a plan.")

    class Meta:
        model = Customer
        fields: tuple[str, ...] = (
            "provider",
            "id",
            "external_id",
            "organization_code",
            "kind",
            "email",
            "user_external_id",
            "brand",
            "is_disabled",
            "plan",
            "collection",
            "agreement_cancelled_at",
            "in_arrears_since",
            "plan_ended_at",
            "created_at",
            "updated_at",
        )
        read_only_fields = fields

    def get_id(self, row: Customer) -> str:
        return segments.of_customer(row)

    def get_plan(self, row: Customer) -> str | None:
        return None if row.plan is None else segments.of_plan(row.plan)


class MyCustomerSerializer(CustomerSerializer):
    """
    A customer as one of its users sees it.

    Of an organisation's customer these are many, and the e-mail and the id are those of
    the one who deals with the bills.
    """

    # Nor the kind: in two components, its choices clash with those of a project's own `kind`.

    class Meta(CustomerSerializer.Meta):
        fields = tuple(
            name
            for name in CustomerSerializer.Meta.fields
            if name not in {"email", "user_external_id", "kind"}
        )
        read_only_fields = fields


class PlanSerializer(RowSerializer):
    id = serializers.SerializerMethodField(help_text="As addresses have it.")

    class Meta:
        model = Plan
        fields = (
            "provider",
            "id",
            "external_id",
            "code",
            "name",
            "has_trial",
            "trial_days",
            "standalone_trial",
            "is_deleted",
            "created_at",
            "updated_at",
        )
        read_only_fields = fields

    def get_id(self, row: Plan) -> str:
        return segments.of_plan(row)


class SubscriptionSerializer(OfCustomer, RowSerializer):
    id = serializers.SerializerMethodField(help_text="As addresses have it.")
    plan = serializers.SerializerMethodField(help_text="The `id` of a plan.")

    class Meta:
        model = Subscription
        fields = (
            "provider",
            "id",
            "external_id",
            "customer",
            "plan",
            "plan_name",
            "status",
            "provider_status",
            "counts_as_active",
            "in_arrears_since",
            "started_at",
            "current_period_end",
            "cancelled_at",
            "trial_started_at",
            "trial_ended_at",
            "created_at",
            "updated_at",
        )
        read_only_fields = fields

    def get_id(self, row: Subscription) -> str:
        return segments.spelled(row.external_id)

    def get_plan(self, row: Subscription) -> str | None:
        return None if row.plan is None else segments.of_plan(row.plan)


class EntrySerializer(OfCustomer, RowSerializer):
    id = serializers.SerializerMethodField(help_text="As addresses have it.")
    subscription = serializers.SerializerMethodField(help_text="The `id` of a subscription.")

    def get_id(self, row: Any) -> str:
        return segments.of_entry(row)

    def get_subscription(self, row: Any) -> str | None:
        return None if row.subscription is None else segments.spelled(row.subscription.external_id)


class PaymentSerializer(EntrySerializer):
    class Meta:
        model = Payment
        fields = (*ENTRY, "external_id", "status", "amount", "amount_unit", "currency")
        read_only_fields = fields


class UsageSerializer(EntrySerializer):
    class Meta:
        model = UsageRecord
        fields = (*ENTRY, "meter", "quantity")
        read_only_fields = fields
