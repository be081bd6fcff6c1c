from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from example_project.journal.models import Mail, Notice, Outage


class ReadOnlyAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Notice)
class NoticeAdmin(ReadOnlyAdmin):
    list_display = ["text", "signal", "customer", "event", "created_at"]
    list_filter = ["event__provider", "signal"]
    list_select_related = ["customer", "event"]
    search_fields = ["text", "customer__email"]


@admin.register(Mail)
class MailAdmin(ReadOnlyAdmin):
    list_display = ["subject", "to", "event", "sent_at"]
    list_select_related = ["event"]
    search_fields = ["to"]


@admin.register(Outage)
class OutageAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ["service", "is_down"]
