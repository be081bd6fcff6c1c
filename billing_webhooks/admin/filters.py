"""Filters whose choices come from the configuration: finding them in the table is slow."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any

from django.contrib import admin
from django.core.exceptions import ImproperlyConfigured
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

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
