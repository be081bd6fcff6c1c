"""Pages of what people have asked for in the admin, and how far it has come."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.forms import Media
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from billing_webhooks import jobs
from billing_webhooks.admin.base import ReadOnlyAdmin
from billing_webhooks.admin.customer_actions import CUSTOMER_ACTIONS
from billing_webhooks.admin.event_actions import EVENT_ACTIONS, RUN_ACTIONS
from billing_webhooks.admin.filters import OpenFilter
from billing_webhooks.admin.rendering import EMPTY, preformatted
from billing_webhooks.admin.results import told
from billing_webhooks.models import Job

LABELS = {each.name: each.label for each in (*EVENT_ACTIONS, *RUN_ACTIONS, *CUSTOMER_ACTIONS)}


class JobAdmin(ReadOnlyAdmin):
    list_display = (
        "asked_at",
        "label",
        "total",
        "done",
        "state",
        "asked_by",
    )
    list_filter = (("state", OpenFilter),)
    search_fields = ("asked_by_key",)
    search_help_text = gettext_lazy("The exact key of the user who asked.")
    fieldsets = (
        (None, {"fields": ("label", "asked_by", "asked_at", "state", "done", "total")}),
        (gettext_lazy("What came of it"), {"fields": ("outcome", "lines", "finished_at")}),
    )
    readonly_fields = ("label", "outcome", "lines")

    @property
    def media(self) -> Media:
        return super().media + Media(js=["billing_webhooks/job.js"])

    def has_view_permission(self, request: HttpRequest, obj: Job | None = None) -> bool:
        # Who has asked for something may see what comes of it.
        is_own = obj is not None and obj.asked_by_key == str(request.user.pk)
        return is_own or super().has_view_permission(request, obj)

    def get_urls(self) -> list[URLPattern]:
        def wrapped(view: Any) -> Any:
            return self.admin_site.admin_view(view)

        name = f"{self.opts.app_label}_{self.opts.model_name}"
        return [
            path("<uuid:key>/progress/", wrapped(self.progress_view), name=f"{name}_progress"),
            path("<uuid:key>/go-on/", wrapped(self.go_on_view), name=f"{name}_go_on"),
            *super().get_urls(),
        ]

    def _job(self, request: HttpRequest, key: Any) -> Job:
        job = Job._default_manager.defer("keys", "result").filter(pk=key).first()
        if job is None:
            raise Http404
        if not self.has_view_permission(request, job):
            raise PermissionDenied
        return job

    def progress_view(self, request: HttpRequest, key: Any) -> HttpResponse:
        """Return how far a job has come, for the page that shows it."""
        job = self._job(request, key)
        return JsonResponse({"done": job.done, "total": job.total, "state": job.state})

    def go_on_view(self, request: HttpRequest, key: Any) -> HttpResponse:
        """Go on with a job that nobody works, in a thread of this process."""
        job = self._job(request, key)
        if request.method == "POST" and job.state == Job.State.OPEN:
            jobs.work_in_thread(job.pk)
            self.message_user(request, _("It goes on."), messages.SUCCESS)
        name = f"admin:{self.opts.app_label}_{self.opts.model_name}_change"
        return HttpResponseRedirect(reverse(name, args=[key], current_app=self.admin_site.name))

    @admin.display(description=gettext_lazy("action"))
    def label(self, job: Job) -> str:
        return str(LABELS.get(job.action, job.action))

    @admin.display(description=gettext_lazy("outcome"))
    def outcome(self, job: Job) -> str:
        return " ".join(text for _level, text in told(job)) or EMPTY

    @admin.display(description=gettext_lazy("in detail"))
    def lines(self, job: Job) -> SafeString | str:
        lines = job.result.get("lines", [])
        if job.result.get("is_cut"):
            lines = [*lines, "…"]
        return preformatted("\n".join(lines)) if lines else EMPTY
