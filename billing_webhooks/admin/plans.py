"""Pages of plans."""

from __future__ import annotations

from django.contrib import admin
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from billing_webhooks.admin.billing import BillingAdmin, IdentityInline
from billing_webhooks.admin.filters import ProviderFilter
from billing_webhooks.admin.paging import NEWEST, OLDEST, Ordering
from billing_webhooks.models import (
    Customer,
    Plan,
    PlanIdentity,
    Subscription,
)


class PlanIdentityInline(IdentityInline):
    model = PlanIdentity


class PlanAdmin(BillingAdmin):
    list_display = (
        "__str__",
        "provider",
        "code",
        "external_id",
        "is_deleted",
        "updated_at",
    )
    list_filter = (ProviderFilter, "is_deleted")
    # Plans are few, so a part of a name may be looked for.
    search_fields = ("name__icontains", "code__icontains", "external_id")
    search_help_text = _("A part of a name or code, or an exact id.")
    orderings = (
        NEWEST,
        OLDEST,
        Ordering("code", _("by code"), ("code", "provider", "id")),
    )
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
