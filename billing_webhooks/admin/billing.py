"""What the pages of all billing rows share: the events that wrote them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.admin.utils import display_for_value
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from billing_webhooks.admin.base import ReadOnlyAdmin, ReadOnlyInline
from billing_webhooks.admin.rendering import EMPTY, list_link, table, visible
from billing_webhooks.models import (
    WebhookEvent,
)
from billing_webhooks.models.billing import BillingRow, Identity
from billing_webhooks.models.entries import MoneyEntry
from billing_webhooks.projection.registers import Stamp, draft_of


@admin.display(description=_("amount"))
def money(entry: MoneyEntry) -> str:
    """Return an amount as it was sent, with what is known of its unit."""
    return EMPTY if entry.money is None else str(entry.money)


class BillingAdmin(ReadOnlyAdmin):
    """A row of billing state, with the events that wrote it."""

    readonly_fields: ClassVar[tuple[str, ...]] = ("written_by", "created_at", "updated_at")

    origin: ClassVar[tuple[Any, Any]] = (
        _("Where it comes from"),
        {"fields": ("written_by", "created_at", "updated_at"), "classes": ("collapse",)},
    )

    @admin.display(description=_("last written by"))
    def written_by(self, row: BillingRow) -> SafeString:
        headings = (_("what"), _("when"), _("event"), _("value"))
        return table(headings, self._registers(row))

    def _registers(self, row: BillingRow) -> Iterator[tuple[Any, ...]]:
        for name, (at, by, value) in sorted(draft_of(row).standing().items()):
            # What an event only mentioned in passing has no time.
            when = display_for_value(Stamp(at, by).moment, EMPTY) if at else EMPTY
            query = {"provider": row.provider, "q": by}
            event = list_link(self.admin_site, WebhookEvent, query, by)
            yield name, when, event, visible(json.dumps(value, ensure_ascii=False))


class HasEntries(ReadOnlyAdmin):
    """The page of a row to which payments, invoices and usage belong."""

    @admin.display(description=_("payments"))
    def payments(self, row: Any) -> SafeString:
        return self._entries(row.payments, "status", money, "occurred_at")

    @admin.display(description=_("invoices"))
    def invoices(self, row: Any) -> SafeString:
        return self._entries(row.invoices, "status", money, "due_at")

    @admin.display(description=_("usage"))
    def usage(self, row: Any) -> SafeString:
        return self._entries(row.usage_records, "occurred_at")

    def _entries(self, entries: Any, *columns: Any) -> SafeString:
        owner = {f"{entries.field.name}__id__exact": entries.instance.pk}
        return self.some(entries.order_by("-id"), *columns, **owner)


class IdentityInline(ReadOnlyInline):
    """The names by which events call a row."""

    fields = readonly_fields = ("provider", "kind", "name")

    @admin.display(description=_("value"))
    def name(self, identity: Identity) -> str:
        return visible(identity.value)
