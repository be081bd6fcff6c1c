"""Pages of customers, plans and subscriptions."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.admin.utils import display_for_value
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from billing_webhooks.admin import searching
from billing_webhooks.admin.base import ReadOnlyAdmin, ReadOnlyInline
from billing_webhooks.admin.filters import LinkedFilter, ProviderFilter
from billing_webhooks.admin.rendering import EMPTY, list_link, table, visible
from billing_webhooks.models import (
    Customer,
    CustomerIdentity,
    CustomerLink,
    Invoice,
    Payment,
    Plan,
    PlanIdentity,
    Subscription,
    UsageRecord,
    WebhookEvent,
)
from billing_webhooks.models.billing import BillingRow
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


class CustomerIdentityInline(ReadOnlyInline):
    model = CustomerIdentity
    fields = readonly_fields = ("provider", "kind", "value")


class CustomerLinkInline(ReadOnlyInline):
    model = CustomerLink
    fields = readonly_fields = ("user", "resolver", "created_at")

    def get_queryset(self, request: HttpRequest) -> QuerySet[CustomerLink]:
        # Users may be in another database, so they cannot be joined.
        return super().get_queryset(request).prefetch_related("user")


class CustomerAdmin(BillingAdmin):
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
    list_filter = (ProviderFilter, LinkedFilter, "kind", "collection", "is_disabled")
    list_select_related = ("plan",)
    search_fields = ("email",)
    search_help_text = _("An exact e-mail address, or any exact id that a provider uses.")
    inlines = (CustomerLinkInline, CustomerIdentityInline)
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

    @admin.display(description=_("payments"))
    def payments(self, customer: Customer) -> SafeString:
        rows = customer.payments.order_by("-id")
        columns = ("status", money, "occurred_at")
        return self.some(rows, *columns, customer__id__exact=customer.pk)

    @admin.display(description=_("invoices"))
    def invoices(self, customer: Customer) -> SafeString:
        rows = customer.invoices.order_by("-id")
        columns = ("status", money, "due_at")
        return self.some(rows, *columns, customer__id__exact=customer.pk)

    @admin.display(description=_("usage"))
    def usage(self, customer: Customer) -> SafeString:
        rows = customer.usage_records.order_by("-id")
        return self.some(rows, "occurred_at", customer__id__exact=customer.pk)

    @admin.display(description=_("latest events"))
    def events(self, customer: Customer) -> SafeString:
        rows = customer.events.order_by("-received_at", "-id")
        columns = ("received_at", "state", "outcome")
        return self.some(rows, *columns, customer__id__exact=customer.pk)


class PlanIdentityInline(ReadOnlyInline):
    model = PlanIdentity
    fields = readonly_fields = ("provider", "kind", "value")


class PlanAdmin(BillingAdmin):
    list_display = ("__str__", "provider", "code", "external_id", "is_deleted", "updated_at")
    list_filter = (ProviderFilter, "is_deleted")
    # Plans are few, so a part of a name may be looked for.
    search_fields = ("name__icontains", "code__icontains", "external_id")
    search_help_text = _("A part of a name or code, or an exact id.")
    inlines = (PlanIdentityInline,)
    fieldsets = (
        (None, {"fields": ("provider", "external_id", "code", "name", "is_deleted")}),
        (_("Trial"), {"fields": ("has_trial", "trial_days", "standalone_trial")}),
        (_("Who is on it"), {"fields": ("subscriptions", "customers")}),
        BillingAdmin.origin,
    )
    related = {"subscriptions": Subscription, "customers": Customer}
    readonly_fields = (*BillingAdmin.readonly_fields, *related)

    @admin.display(description=_("subscriptions"))
    def subscriptions(self, plan: Plan) -> SafeString:
        rows = plan.subscriptions.order_by("-id")
        columns = ("customer", "status", "started_at")
        return self.some(rows, *columns, plan__id__exact=plan.pk)

    @admin.display(description=_("customers"))
    def customers(self, plan: Plan) -> SafeString:
        rows = plan.customers.order_by("-id")
        return self.some(rows, "kind", "collection", plan__id__exact=plan.pk)


class SubscriptionAdmin(BillingAdmin):
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
    search_fields = ("external_id",)
    search_help_text = _("The exact id of a subscription, or a customer's id or e-mail address.")
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
        return super().matching(term) | Q(customer__in=searching.customers(term))

    @admin.display(description=_("payments"))
    def payments(self, subscription: Subscription) -> SafeString:
        rows = subscription.payments.order_by("-id")
        columns = ("status", money, "occurred_at")
        return self.some(rows, *columns, subscription__id__exact=subscription.pk)

    @admin.display(description=_("invoices"))
    def invoices(self, subscription: Subscription) -> SafeString:
        rows = subscription.invoices.order_by("-id")
        columns = ("status", money, "due_at")
        return self.some(rows, *columns, subscription__id__exact=subscription.pk)

    @admin.display(description=_("usage"))
    def usage(self, subscription: Subscription) -> SafeString:
        rows = subscription.usage_records.order_by("-id")
        return self.some(rows, "occurred_at", subscription__id__exact=subscription.pk)
