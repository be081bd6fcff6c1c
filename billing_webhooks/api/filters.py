"""What lists can be filtered by: what has an index, and nothing that is not named here."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet
from django.utils.dateparse import parse_datetime
from django_filters import rest_framework as filters
from rest_framework.request import Request

from billing_webhooks.api import segments
from billing_webhooks.api.problems import Code, Refusal
from billing_webhooks.facts import PaymentStatus, SubscriptionStatus
from billing_webhooks.models import CustomerIdentity, WebhookEvent

UNPROCESSED = ("pending", "dead", "quarantined")


class Text(filters.CharFilter):
    """To the letter: a space counts."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, strip=False, max_length=255, **options)


class TimeField(forms.Field):
    """A time with its zone."""

    def to_python(self, value: Any) -> datetime | None:
        try:
            found = parse_datetime(value) if value else None
            if found is not None and found.tzinfo is not None:
                return found.astimezone(UTC)
        except (ValueError, OverflowError):
            pass
        if not value:
            return None
        raise ValidationError("no time")


class Time(filters.IsoDateTimeFilter):
    field_class = TimeField


class CustomerField(forms.CharField):
    """An id as the API spells it; its value are the keys of the customers that are called so."""

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        try:
            return tuple(customers_called(text)) if text else None
        except segments.NoSegment as error:
            raise ValidationError("no id") from error


class Customer(filters.CharFilter):
    """Of one customer, looked up first: by a list of keys, each database takes the index."""

    field_class = CustomerField

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, strip=False, max_length=1024, **options)

    def filter(self, rows: QuerySet[Any], value: tuple[Any, ...] | None) -> QuerySet[Any]:
        # None at all are a filter, too.
        return rows if value is None else rows.filter(customer__in=value)


class CustomerFilters(filters.FilterSet):
    provider = Text()
    external_id = Text()
    email = Text()
    updated_since = Time(field_name="updated_at", lookup_expr="gte")


class PlanFilters(filters.FilterSet):
    provider = Text()
    external_id = Text()
    code = Text()
    updated_since = Time(field_name="updated_at", lookup_expr="gte")


class SubscriptionFilters(filters.FilterSet):
    provider = Text()
    customer = Customer()
    status = filters.ChoiceFilter(choices=SubscriptionStatus.choices)
    updated_since = Time(field_name="updated_at", lookup_expr="gte")


class PaymentFilters(filters.FilterSet):
    provider = Text()
    customer = Customer()
    status = filters.ChoiceFilter(choices=PaymentStatus.choices)
    updated_since = Time(field_name="updated_at", lookup_expr="gte")


class UsageFilters(filters.FilterSet):
    provider = Text()
    customer = Customer()
    meter = Text()
    updated_since = Time(field_name="updated_at", lookup_expr="gte")

    # Where an index has the meters of each customer, and none all readings of a meter.
    requires: ClassVar[Mapping[str, str]] = {"meter": "customer"}


class EventFilters(filters.FilterSet):
    provider = Text()
    event_type = Text()
    external_id = Text()
    customer = Customer()
    state = filters.ChoiceFilter(choices=WebhookEvent.State.choices, method="in_state")
    received_since = Time(field_name="received_at", lookup_expr="gte")
    received_before = Time(field_name="received_at", lookup_expr="lt")

    def in_state(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        found = rows.filter(state=value)
        # In the words of the index: SQLite knows by no others that it may use it.
        return found.filter(~Q(state="processed")) if value in UNPROCESSED else found


class MyUsageFilters(filters.FilterSet):
    customer = Customer()
    meter = Text()


class StrictBackend(filters.DjangoFilterBackend):
    """Filters of which none is passed over: what has no usable value is refused."""

    def filter_queryset(self, request: Request, queryset: QuerySet[Any], view: Any) -> Any:
        filterset = self.get_filterset(request, queryset, view)
        if filterset is None:
            return queryset
        if errors := {**_unusable(request, filterset), **_lonely(request, filterset)}:
            raise Refusal(Code.INVALID_PARAMETER, errors=errors)
        return filterset.qs


def _unusable(request: Request, filterset: Any) -> dict[str, str]:
    """Return what the parameters take that have no usable value."""
    empty = {name for name in filterset.filters if request.query_params.get(name) == ""}
    fields = filterset.form.fields
    wrong = (name for name in filterset.filters if name in empty | filterset.errors.keys())
    return {name: f"It has to be {expected(fields[name])}." for name in wrong}


def _lonely(request: Request, filterset: Any) -> dict[str, str]:
    """Return what the parameters need that are given without it."""
    needed = getattr(filterset, "requires", {})
    given = request.query_params.keys()
    return {
        name: f"It has to be given with `{other}`."
        for name, other in needed.items()
        if name in given and other not in given
    }


def expected(field: forms.Field) -> str:
    """Return what a parameter takes, in words."""
    if isinstance(field, TimeField):
        return "a time with its zone, such as 2026-03-02T10:00:00Z"
    if isinstance(field, forms.ChoiceField):
        return f"one of {', '.join(str(value) for value, _ in _choices(field) if value)}"
    if isinstance(field, CustomerField):
        return "the id of a customer as this API tells it"
    return "a text of at most 255 characters"


def _choices(field: forms.ChoiceField) -> list[tuple[Any, Any]]:
    choices: Any = field.choices
    return list(choices)


def customers_called(segment: str) -> list[Any]:
    """Return the keys of the customers with a name, of any provider; raise NoSegment."""
    kind, text = segments.meant(segment)
    if kind == "row":
        return [int(text)] if text.isascii() and text.isdecimal() and len(text) < 19 else []
    names = CustomerIdentity.objects.filter(kind=kind, value=text)
    return list(names.values_list("row", flat=True))
