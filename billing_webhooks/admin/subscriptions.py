"""Pages of subscriptions."""

from __future__ import annotations

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from billing_webhooks.admin import searching
from billing_webhooks.admin.billing import BillingAdmin, HasEntries
from billing_webhooks.admin.filters import ProviderFilter
from billing_webhooks.admin.paging import NEWEST, OLDEST, Ordering
from billing_webhooks.models import (
    Invoice,
    Payment,
    UsageRecord,
)


class SubscriptionAdmin(HasEntries, BillingAdmin):
    list_display = (
        "__str__",
        "provider",
        "status",
        "customer_link",
        "plan_link",
        "current_period_end",
        "external_id",
        "updated_at",
    )
    list_filter = (ProviderFilter, "status")
    list_select_related = ("customer", "plan")
    orderings = (
        NEWEST,
        OLDEST,
        Ordering("ends", _("by end of the period"), ("current_period_end", "id")),
    )
    search_fields = ("external_id",)
    search_help_text = searching.help_text(
        _("The id of a subscription, or a customer's id or e-mail address.")
    )
    fieldsets = (
        (None, {"fields": ("provider", "external_id", "customer", "plan", "plan_name")}),
        (
            _("How it stands"),
            {
                "fields": (
                    "status",
                    "provider_status",
                    "counts_as_active",
                    "in_arrears_since",
                    "started_at",
                    "current_period_end",
                    "cancelled_at",
                    "trial_started_at",
                    "trial_ended_at",
                )
            },
        ),
        (_("What belongs to it"), {"fields": ("payments", "invoices", "usage")}),
        BillingAdmin.origin,
    )
    related = {"payments": Payment, "invoices": Invoice, "usage": UsageRecord}
    readonly_fields = (*BillingAdmin.readonly_fields, *related)

    def matching(self, term: str) -> Q:
        found = Q(pk__in=searching.subscriptions(term))
        return found | Q(customer__in=searching.customers(term))
