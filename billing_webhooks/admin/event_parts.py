"""Parts of an event's page: what it said, and what receivers made of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.contrib.admin.exceptions import NotRegistered
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from billing_webhooks.admin.actions import ActsOnRows
from billing_webhooks.admin.base import ReadOnlyInline
from billing_webhooks.admin.json_text import json_text
from billing_webhooks.admin.payloads import document
from billing_webhooks.admin.rendering import (
    EMPTY,
    preformatted,
    span_of,
    visible,
)
from billing_webhooks.models import ConflictingDelivery, ReceiverRun, WebhookEvent
from billing_webhooks.redaction import shown_payload

VIEW_PAYLOAD = "billing_webhooks.view_payload"
MAX_LINES = 5_000


def shown_text(
    event: WebhookEvent, said: Callable[[WebhookEvent], Any] = shown_payload
) -> SafeString:
    """Return what an event says, its payload, as indented JSON, or what is wrong with it."""
    try:
        text = json_text(said(event), max_lines=MAX_LINES)
    except Exception as error:
        # Whatever is wrong with it, its page is where somebody will find that out.
        return preformatted(f"{type(error).__name__}: {error}")
    return document(text)


class ReceiverRunInline(ReadOnlyInline):
    model = ReceiverRun
    fields = (
        "receiver",
        "signal",
        "subject",
        "state",
        "attempts",
        "lasted",
        "error_line",
        "once_more",
    )
    readonly_fields = fields
    show_change_link = True

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        # An inline is made anew for each request.
        self.address = self._address(request)
        return [name for name in self.fields if name != "once_more" or self.address]

    def _address(self, request: HttpRequest) -> str:
        """Return where a replay for one receiver is confirmed, "" for who may not."""
        try:
            events: Any = self.admin_site.get_model_admin(WebhookEvent)
        except NotRegistered:
            return ""
        # A project may have registered a page of its own.
        if not isinstance(events, ActsOnRows):
            return ""
        names = {each.name for each in events.permitted(request)}
        return events.action_url("replay_receiver") if "replay_receiver" in names else ""

    @admin.display(description=_("duration"))
    def lasted(self, run: ReceiverRun) -> str:
        return EMPTY if run.duration is None else span_of(run.duration)

    @admin.display(description=_("action"))
    def once_more(self, run: ReceiverRun) -> str:
        """Return a button for a run that failed and is not tried again by itself."""
        is_over = run.event.state in {WebhookEvent.State.DEAD, WebhookEvent.State.PROCESSED}
        if run.state == ReceiverRun.State.SUCCEEDED or not is_over:
            return EMPTY
        query = urlencode({"key": run.event_id, "receiver": run.receiver})
        return format_html(
            '<a class="button" href="{}?{}">{}</a>', self.address, query, _("Run it again")
        )

    @admin.display(description=_("last error"))
    def error_line(self, run: ReceiverRun) -> str:
        """Return the line of a traceback that says what went wrong; the run's page has all."""
        lines = run.last_error.strip().splitlines()
        return visible(lines[-1]) if lines else EMPTY


class ConflictInline(ReadOnlyInline):
    model = ConflictingDelivery
    fields = readonly_fields = ("received_at", "said")

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.has_perm(VIEW_PAYLOAD))

    @admin.display(description=_("what it said"))
    def said(self, conflict: ConflictingDelivery) -> str:
        event = conflict.event
        event.body = conflict.body
        return shown_text(event)
