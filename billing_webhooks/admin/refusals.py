"""Pages of what was refused, with what to do about it."""

from __future__ import annotations

from django.contrib import admin
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from billing_webhooks.admin.base import ReadOnlyAdmin
from billing_webhooks.admin.filters import ProviderFilter
from billing_webhooks.admin.paging import Ordering
from billing_webhooks.admin.rendering import EMPTY, visible
from billing_webhooks.models import Refusal, RefusalCount
from billing_webhooks.providers import get_provider


class ShowsAdvice:
    @admin.display(description=_("what to do"))
    def advice(self, row: Refusal | RefusalCount) -> str:
        try:
            return get_provider(row.provider).advice_on(row.reason) or EMPTY
        except Exception:
            # The alias may be configured no more, or wrongly.
            return EMPTY


class RefusalCountAdmin(ShowsAdvice, ReadOnlyAdmin):
    list_display = (
        "day",
        "provider",
        "reason_and_advice",
        "count",
        "last_at",
    )
    list_filter = ("day", ProviderFilter)
    orderings = (
        Ordering("newest", _("newest first"), ("-day", "-last_at", "-id")),
        Ordering("oldest", _("oldest first"), ("day", "last_at", "id")),
    )
    search_fields = ("reason",)
    search_help_text = _("The exact reason.")
    readonly_fields = ("advice",)

    @admin.display(description=_("reason, and what to do"))
    def reason_and_advice(self, row: RefusalCount) -> SafeString:
        return format_html("<strong>{}</strong><br>{}", visible(row.reason), self.advice(row))


class RefusalAdmin(ShowsAdvice, ReadOnlyAdmin):
    list_display = ("at", "provider", "reason", "remote_address", "size")
    list_filter = (ProviderFilter,)
    search_fields = ("reason", "remote_address")
    search_help_text = _("The exact reason or address.")
    readonly_fields = ("advice",)
