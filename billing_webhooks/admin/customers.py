"""Pages of customers."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import Q
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from billing_webhooks.admin import searching
from billing_webhooks.admin.actions import ActsOnRows
from billing_webhooks.admin.billing import BillingAdmin, HasEntries, IdentityInline
from billing_webhooks.admin.customer_actions import CUSTOMER_ACTIONS
from billing_webhooks.admin.filters import LinkedFilter, ProviderFilter
from billing_webhooks.admin.linking import LinkingPages
from billing_webhooks.admin.paging import NEWEST, OLDEST, Ordering
from billing_webhooks.models import (
    Customer,
    CustomerIdentity,
    Invoice,
    Payment,
    Subscription,
    UsageRecord,
    WebhookEvent,
)


class CustomerIdentityInline(IdentityInline):
    model = CustomerIdentity


class CustomerAdmin(LinkingPages, ActsOnRows, HasEntries, BillingAdmin):
    row_actions = CUSTOMER_ACTIONS
    list_display = (
        "__str__",
        "provider",
        "plan_link",
        "collection",
        "kind",
        "is_disabled",
        "external_id",
        "organization_code",
        "updated_at",
    )
    list_filter = (
        ProviderFilter,
        LinkedFilter,
        "kind",
        "collection",
        "is_disabled",
    )
    list_select_related = ("plan",)
    orderings = (
        NEWEST,
        OLDEST,
        Ordering("email", _("by e-mail address"), ("email", "id")),
    )
    search_fields = ("email",)
    search_help_text = searching.help_text(_("An e-mail address, or any id that a provider uses."))
    inlines = (CustomerIdentityInline,)
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "provider",
                    "external_id",
                    "kind",
                    "email",
                    "organization_code",
                    "user_external_id",
                    "brand",
                    "is_disabled",
                )
            },
        ),
        (
            _("What it is on"),
            {
                "fields": (
                    "plan",
                    "plan_ended_at",
                    "plan_by_agreement",
                    "collection",
                    "in_arrears_since",
                    "agreement_cancelled_at",
                )
            },
        ),
        (
            _("What belongs to it"),
            {"fields": ("subscriptions", "payments", "invoices", "usage", "events")},
        ),
        BillingAdmin.origin,
    )
    related = {
        "subscriptions": Subscription,
        "payments": Payment,
        "invoices": Invoice,
        "usage": UsageRecord,
        "events": WebhookEvent,
    }
    readonly_fields = (*BillingAdmin.readonly_fields, *related)

    def matching(self, term: str) -> Q:
        return Q(pk__in=searching.customers(term))

    @admin.display(description=_("subscriptions"))
    def subscriptions(self, customer: Customer) -> SafeString:
        rows = customer.subscriptions.order_by("-id")
        columns = ("status", "plan", "started_at", "current_period_end")
        return self.some(rows, *columns, customer__id__exact=customer.pk)

    @admin.display(description=_("latest events"))
    def events(self, customer: Customer) -> SafeString:
        rows = customer.events.order_by("-received_at", "-id")
        columns = ("received_at", "state", "outcome")
        return self.some(rows, *columns, customer__id__exact=customer.pk)
