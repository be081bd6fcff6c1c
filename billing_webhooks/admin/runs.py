"""Pages of what receivers have done."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from billing_webhooks.admin import searching
from billing_webhooks.admin.actions import ActsOnRows
from billing_webhooks.admin.base import ReadOnlyAdmin, ShowsError
from billing_webhooks.admin.event_actions import RUN_ACTIONS
from billing_webhooks.admin.filters import UnsucceededFilter
from billing_webhooks.admin.paging import NEWEST, OLDEST, Ordering
from billing_webhooks.models import ReceiverRun


class ReceiverRunAdmin(ShowsError, ActsOnRows, ReadOnlyAdmin):
    row_actions = RUN_ACTIONS
    list_display = (
        "receiver",
        "signal",
        "event_link",
        "state",
        "attempts",
        "duration",
        "updated_at",
    )
    list_filter = (("state", UnsucceededFilter),)
    list_select_related = ("event",)
    orderings = (
        NEWEST,
        OLDEST,
        Ordering(
            "failed",
            _("failed, by last attempt"),
            ("-updated_at", "-id"),
            {"state__exact": ReceiverRun.State.FAILED.value},
        ),
    )
    search_fields = ("event__external_id",)
    search_help_text = searching.help_text(_("The id of an event."))
    fieldsets = (
        (None, {"fields": ("event", "signal", "subject", "receiver")}),
        (
            _("How it stands"),
            {"fields": ("state", "attempts", "duration", "error", "updated_at")},
        ),
    )
    readonly_fields = ("error",)

    def matching(self, term: str) -> Q:
        return Q(event__in=searching.events(term))

    @admin.display(description=_("event"))
    def event_link(self, run: ReceiverRun) -> str:
        return self.link(run.event)
