"""Events: what was received and what became of it; what they say, for those who may see it."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any, ClassVar

from django.db.models import QuerySet
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from billing_webhooks.api import filters
from billing_webhooks.api.acting import act
from billing_webhooks.api.base import Listed, Retrieved
from billing_webhooks.api.documenting import UUID
from billing_webhooks.api.naming import uuid_in
from billing_webhooks.api.paging import Order
from billing_webhooks.api.permissions import VIEW_PAYLOAD
from billing_webhooks.api.serializers import OfCustomer, RowSerializer
from billing_webhooks.models import WebhookEvent
from billing_webhooks.redaction import shown_payload

logger = logging.getLogger(__name__)

SAID = ("body", "confirmation", "headers")
OF_ONE = ("changes", "last_error", "applied_at", "pruned_at")

STATUSES = ("shown", "not_permitted", "pruned", "unreadable")


class EventSerializer(OfCustomer, RowSerializer):
    class Meta:
        model = WebhookEvent
        fields: tuple[str, ...] = (
            "id",
            "provider",
            "event_type",
            "external_id",
            "customer",
            "occurred_at",
            "received_at",
            "trust",
            "deliveries",
            "state",
            "outcome",
            "attempts",
            "next_attempt_at",
            "processed_at",
            "replays",
        )
        read_only_fields = fields


class EventDetailSerializer(EventSerializer):
    """
    An event with what it says.

    `payload_status` tells why `payload` is null: who asks may not see it, it was pruned, or
    it cannot be read.
    """

    payload_status = serializers.ChoiceField(choices=STATUSES, read_only=True)
    payload = serializers.JSONField(read_only=True)

    class Meta(EventSerializer.Meta):
        fields = (
            *EventSerializer.Meta.fields,
            "applied_at",
            "pruned_at",
            "last_error",
            "payload_status",
            "payload",
        )
        read_only_fields = fields

    def to_representation(self, instance: Any) -> dict[str, Any]:
        instance.payload_status, payload = self.context["said"](instance)
        # The attribute of that name reads what is stored, and shows all of it.
        fields = [field for field in self._readable_fields if field.field_name != "payload"]
        told: dict[str, Any] = {str(field.field_name): _value(field, instance) for field in fields}
        return {**told, "payload": payload}


def _value(field: Any, instance: Any) -> Any:
    value = field.get_attribute(instance)
    return None if value is None else field.to_representation(value)


class Events(Listed, Retrieved):
    """What was received, and what became of it."""

    needs = {
        "": ("view_webhookevent",),
        "replay": ("view_webhookevent", "replay_webhookevent"),
        "release": ("view_webhookevent", "release_webhookevent"),
    }
    identifiers = (UUID,)
    orders: ClassVar[Sequence[Order]] = (
        Order("newest", ("-received_at", "-pk")),
        Order("oldest", ("received_at", "pk")),
    )
    queryset = WebhookEvent.objects.select_related("customer").defer("customer__registers")
    serializer_class = EventSerializer
    answers = {"retrieve": EventDetailSerializer}
    filterset_class = filters.EventFilters

    def get_queryset(self) -> QuerySet[Any]:
        rows = super().get_queryset()
        if self.action == "retrieve":
            # Who may not see what it says does not even have it read.
            return rows if self._shows_payload else rows.defer(*SAID, "changes")
        return rows.defer(*SAID, *OF_ONE)

    def get_serializer_context(self) -> dict[str, Any]:
        return {**super().get_serializer_context(), "said": self._said}

    def get_throttles(self) -> Any:
        if self.action in {"replay", "release"}:
            self.throttle_scope = "billing_webhooks_actions"
        return super().get_throttles()

    def found(self, rows: QuerySet[Any], **names: str) -> QuerySet[Any]:
        return rows.filter(pk=uuid_in(names["id"]))

    def replay(self, request: Request, **names: str) -> Response:
        """Work the event once more: for the receivers that have not succeeded for it."""
        return self._acted(request)

    def release(self, request: Request, **names: str) -> Response:
        """Work the event, which is in quarantine, if it can be read as one by now."""
        return self._acted(request)

    def _acted(self, request: Request) -> Response:
        act(request.user, self.action, self.get_object())
        return Response(self.get_serializer(self.get_object()).data)

    @property
    def _shows_payload(self) -> bool:
        return bool(self.request.user.has_perm(VIEW_PAYLOAD))

    def _said(self, event: WebhookEvent) -> tuple[str, Any]:
        """Return whether what an event says is shown, and what it says."""
        if not self._shows_payload:
            return "not_permitted", None
        if event.pruned_at is not None:
            return "pruned", None
        try:
            payload = shown_payload(event)
        except Exception as error:
            # Whatever is wrong with it, or with what is to take something out of it.
            logger.warning("Event %s cannot be shown: %s.", event.pk, type(error).__name__)
            return "unreadable", None
        logger.info("User %s looked at the payload of event %s.", self.request.user.pk, event.pk)
        return "shown", payload
