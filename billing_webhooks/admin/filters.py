"""Filters whose choices come from the configuration: finding them in the table is slow."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any, ClassVar

from django.contrib import admin
from django.core.exceptions import ImproperlyConfigured
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from billing_webhooks.admin.counting import capped_counts
from billing_webhooks.admin.paging import MAX_COUNTED
from billing_webhooks.conf import settings
from billing_webhooks.models import CustomerLink
from billing_webhooks.providers import get_provider
from billing_webhooks.providers.base import Provider


class ConfiguredFilter(ABC, admin.SimpleListFilter):
    """
    A filter for one column.

    A value in the URL is a choice even if it is configured no longer, because its rows
    are still there.
    """

    @abstractmethod
    def values(self, request: HttpRequest) -> Iterator[str]:
        """Yield the values to choose from."""

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        values = {*self.values(request), *filter(None, [self.value()])}
        return [(value, value) for value in sorted(values)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        return queryset.filter((self.parameter_name, value)) if value else queryset


class ProviderFilter(ConfiguredFilter):
    title = _("provider")
    parameter_name = "provider"

    def values(self, request: HttpRequest) -> Iterator[str]:
        yield from settings.PROVIDERS


class FewFilter(admin.ChoicesFieldListFilter):
    """
    A filter by state that says how many rows are in the states that a partial index holds.

    They are few, so it costs next to nothing; of the others there are millions. Nothing is
    said where something else narrows the list, because no index knows how many are left.
    """

    few: ClassVar[tuple[str, ...]]
    # In the words of the index: SQLite knows by no others that it may use it.
    condition: ClassVar[Q]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        found: QuerySet[Any] = super().queryset(request, queryset)  # type: ignore[assignment]
        chosen = {*(self.lookup_val or ())}
        return found.filter(self.condition) if chosen and chosen <= {*self.few} else found

    def choices(self, changelist: Any) -> Iterator[Any]:
        every, *choices = super().choices(changelist)
        counts = self._counts(changelist)
        yield every
        for (value, _title), choice in zip(self.field.flatchoices, choices, strict=True):
            count = f" ({counts[value]})" if value in counts else ""
            yield {**choice, "display": f"{choice['display']}{count}"}

    def _counts(self, changelist: Any) -> dict[str, str]:
        if changelist.is_narrowed(besides=self.expected_parameters()):
            return {}
        rows = changelist.model._default_manager.filter(self.condition)
        counts = capped_counts([rows.filter(state=value) for value in self.few], MAX_COUNTED)
        return dict(zip(self.few, counts, strict=True))


class UnprocessedFilter(FewFilter):
    few = ("pending", "dead", "quarantined")
    condition = ~Q(state="processed")


class UnsucceededFilter(FewFilter):
    few = ("started", "failed", "given_up")
    condition = ~Q(state="succeeded")


class OpenFilter(FewFilter):
    few = ("open",)
    condition = Q(state="open")


class EventTypeFilter(ConfiguredFilter):
    """The known event types, of the chosen provider if there is one."""

    title = _("event type")
    parameter_name = "event_type"

    def values(self, request: HttpRequest) -> Iterator[str]:
        chosen = request.GET.get(ProviderFilter.parameter_name)
        for provider in _usable_providers():
            if chosen in (None, provider.alias):
                yield from provider.signals


class LinkedFilter(admin.SimpleListFilter):
    title = _("linked to a user")
    parameter_name = "linked"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("yes", _("Yes")), ("no", _("No"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        linked = Exists(CustomerLink._base_manager.filter(customer=OuterRef("pk")))
        conditions = {"yes": Q(linked), "no": ~Q(linked)}
        return queryset.filter(conditions.get(self.value() or "", Q()))


def _usable_providers() -> Iterator[Provider]:
    for alias in settings.PROVIDERS:
        try:
            yield get_provider(alias)
        except ImproperlyConfigured:
            # The system checks have told of it; its events can be looked at all the same.
            continue
