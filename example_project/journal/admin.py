from django.contrib import admin
from django.http import HttpRequest

from example_project.journal.models import Notice


@admin.register(Notice)
class NoticeAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ["text", "signal", "customer", "event", "created_at"]
    list_filter = ["event__provider", "signal"]
    list_select_related = ["customer", "event"]
    search_fields = ["text", "customer__email"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Notice | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Notice | None = None) -> bool:
        return False
