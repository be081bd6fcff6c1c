"""Pages of what the app itself has to remember to run."""

from __future__ import annotations

from billing_webhooks.admin.base import ReadOnlyAdmin


class HeartbeatAdmin(ReadOnlyAdmin):
    list_display = ("name", "at")
    ordering = ("name",)
    search_fields = ("name",)


class KeptTextAdmin(ReadOnlyAdmin):
    list_display = ("name", "claimed_at")
    ordering = ("name",)
    search_fields = ("name",)
