"""Whether somebody may use a plan, and why, as JSON; rows by the ids that addresses have."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from billing_webhooks.api import segments
from billing_webhooks.api.serializers import TimeField
from billing_webhooks.explaining.telling import CustomerTold, SubscriptionTold
from billing_webhooks.models.answers import Answer


class Serializer(serializers.Serializer[Any]):
    pass


class EventToldSerializer(Serializer):
    """An event that said something."""

    id = serializers.UUIDField()
    event_type = serializers.CharField()
    external_id = serializers.CharField(allow_blank=True)
    occurred_at = TimeField()
    received_at = TimeField()


class RegisterSerializer(Serializer):
    """What was last said of one thing, and by which event; null if that is gone."""

    name = serializers.CharField()
    # Of a serializer this is its own name, of its class a field.
    label = serializers.CharField()  # type: ignore[assignment]
    value = serializers.JSONField()
    words = serializers.CharField(allow_blank=True)
    said_at = TimeField(allow_null=True)
    event = EventToldSerializer(allow_null=True)


class RuleSerializer(Serializer):
    """The rule that decided, and the dates it read."""

    code = serializers.CharField()
    granted = serializers.BooleanField()
    words = serializers.CharField()
    until = TimeField(allow_null=True)
    dates = serializers.DictField(child=TimeField())


class SubscriptionToldSerializer(Serializer):
    id = serializers.SerializerMethodField()
    plan = serializers.CharField(allow_blank=True)
    is_asked_for = serializers.BooleanField()
    status = serializers.CharField()
    provider_status = serializers.CharField(allow_blank=True)
    rule = RuleSerializer()
    registers: Any = RegisterSerializer(many=True)

    def get_id(self, told: SubscriptionTold) -> str:
        return segments.spelled(told.external_id)


class CustomerToldSerializer(Serializer):
    provider = serializers.CharField()
    id = serializers.SerializerMethodField()
    email: Any = serializers.CharField(allow_blank=True)
    is_disabled = serializers.BooleanField()
    linked_at = TimeField(allow_null=True)
    plan = serializers.CharField(allow_blank=True)
    rule = RuleSerializer()
    registers: Any = RegisterSerializer(many=True)
    subscriptions = SubscriptionToldSerializer(many=True)
    notes = serializers.ListField(child=serializers.CharField())

    def get_id(self, told: CustomerTold) -> str:
        return segments.customer(told.external_id, told.organization_code, told.id)


class ExplanationSerializer(Serializer):
    """Whether somebody may use any of some plans, or anything, and all it follows from."""

    who = serializers.CharField(allow_blank=True)
    plans = serializers.ListField(child=serializers.CharField())
    at = TimeField()
    granted = serializers.BooleanField()
    verdict = serializers.CharField()
    rule = serializers.CharField()
    reason = serializers.CharField()
    until = TimeField(allow_null=True)
    customers = CustomerToldSerializer(many=True)
    notes = serializers.ListField(child=serializers.CharField())


class MySubscriptionToldSerializer(SubscriptionToldSerializer):
    registers = None


class MyCustomerToldSerializer(CustomerToldSerializer):
    email = None
    registers = None
    subscriptions = MySubscriptionToldSerializer(many=True)


class MyExplanationSerializer(ExplanationSerializer):
    """The same for whoever is signed in: without who else is named, and without events."""

    customers = MyCustomerToldSerializer(many=True)


class OwnerSerializer(Serializer):
    """A customer by what addresses name her by."""

    provider = serializers.CharField()
    id = serializers.SerializerMethodField()

    def get_id(self, row: Any) -> str:
        return segments.of_customer(row)


class AccessSerializer(Serializer):
    """Whether access is granted, why, until when as far as is known, and by what."""

    granted = serializers.BooleanField()
    rule = serializers.CharField()
    reason = serializers.CharField()
    until = TimeField(allow_null=True)
    customer = OwnerSerializer(allow_null=True)
    subscription = serializers.SerializerMethodField()
    plan = serializers.SerializerMethodField()

    def get_subscription(self, answer: Answer) -> str | None:
        row = answer.subscription
        return None if row is None else segments.spelled(row.external_id)

    def get_plan(self, answer: Answer) -> str | None:
        return None if answer.plan is None else segments.of_plan(answer.plan)
