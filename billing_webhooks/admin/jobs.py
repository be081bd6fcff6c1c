"""Pages of what people have asked for in the admin."""

from __future__ import annotations

from billing_webhooks.admin.base import ReadOnlyAdmin
from billing_webhooks.admin.filters import OpenFilter


class JobAdmin(ReadOnlyAdmin):
    list_display = ("asked_at", "action", "total", "done", "state", "asked_by")
    list_filter = (("state", OpenFilter),)
    search_fields = ("asked_by_key",)
