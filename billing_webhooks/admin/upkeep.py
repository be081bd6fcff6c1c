"""Pages of what the app itself has to remember to run."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from billing_webhooks.admin.base import ReadOnlyAdmin
from billing_webhooks.admin.paging import Ordering

BY_NAME = Ordering("name", _("by name"), ("name",))


class HeartbeatAdmin(ReadOnlyAdmin):
    list_display = ("name", "at")
    orderings = (BY_NAME,)
    search_fields = ("name",)


class KeptTextAdmin(ReadOnlyAdmin):
    list_display = ("name", "claimed_at")
    orderings = (BY_NAME,)
    search_fields = ("name",)
