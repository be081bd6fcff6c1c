"""Pages of payments, invoices and usage."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from billing_webhooks.admin import searching
from billing_webhooks.admin.billing import BillingAdmin, money
from billing_webhooks.admin.filters import ProviderFilter
from billing_webhooks.admin.paging import NEWEST, OLDEST, Ordering
from billing_webhooks.admin.rendering import number
from billing_webhooks.models import UsageRecord
from billing_webhooks.models.entries import MoneyEntry


class EntryAdmin(BillingAdmin):
    """A thing that happened to a customer, perhaps under a subscription."""

    list_select_related = ("customer", "subscription")
    search_fields = ("identity",)
    search_help_text = searching.help_text(
        _("The id of this, its event, its customer or its subscription.")
    )

    def matching(self, term: str) -> Q:
        return (
            Q(pk__in=searching.entries(self.model, term))
            | Q(customer__in=searching.customers(term))
            | Q(subscription__in=searching.subscriptions(term))
        )


class MoneyEntryAdmin(EntryAdmin):
    """A thing that happened about money."""

    list_filter = (ProviderFilter, "status")
    readonly_fields = (*BillingAdmin.readonly_fields, "money")

    @admin.display(description=_("amount"))
    def money(self, entry: MoneyEntry) -> str:
        return money(entry)


class PaymentAdmin(MoneyEntryAdmin):
    list_display = (
        "__str__",
        "provider",
        "status",
        "money",
        "customer_link",
        "subscription_link",
        "occurred_at",
    )
    fieldsets = (
        (None, {"fields": ("provider", "external_id", "status", "money", "occurred_at")}),
        (_("Whose it is"), {"fields": ("customer", "subscription")}),
        BillingAdmin.origin,
    )


class InvoiceAdmin(MoneyEntryAdmin):
    orderings = (
        NEWEST,
        OLDEST,
        Ordering("due", _("by due date"), ("due_at", "id")),
    )
    list_display = (
        "__str__",
        "provider",
        "status",
        "money",
        "customer_link",
        "subscription_link",
        "due_at",
        "occurred_at",
    )
    fieldsets = (
        (None, {"fields": ("provider", "external_id", "status", "money", "due_at", "occurred_at")}),
        (_("Whose it is"), {"fields": ("customer", "subscription")}),
        BillingAdmin.origin,
    )


class UsageRecordAdmin(EntryAdmin):
    list_display = (
        "__str__",
        "provider",
        "customer_link",
        "subscription_link",
        "occurred_at",
    )
    list_filter = (ProviderFilter,)
    fieldsets = (
        (None, {"fields": ("provider", "meter", "plain_quantity", "occurred_at")}),
        (_("Whose it is"), {"fields": ("customer", "subscription")}),
        BillingAdmin.origin,
    )
    readonly_fields = (*BillingAdmin.readonly_fields, "plain_quantity")

    @admin.display(description=_("quantity"))
    def plain_quantity(self, record: UsageRecord) -> str:
        return number(record.quantity)
