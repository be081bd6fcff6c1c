"""Parts of an event's page: what it said, and what receivers made of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.contrib.admin import AdminSite
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from billing_webhooks.admin.base import ReadOnlyInline
from billing_webhooks.admin.json_text import json_text
from billing_webhooks.admin.payloads import document
from billing_webhooks.admin.rendering import (
    EMPTY,
    link_to,
    preformatted,
    span_of,
    table,
    visible,
)
from billing_webhooks.models import ConflictingDelivery, ReceiverRun, WebhookEvent
from billing_webhooks.redaction import shown_payload
from billing_webhooks.wording import last_line

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


def runs_of(site: AdminSite, event: WebhookEvent, address: str) -> SafeString | str:
    """
    Return a table of what receivers made of an event, "" if there were none.

    `address` is where a replay for one receiver is confirmed, "" for who may not.
    """
    runs = list(event.runs.order_by("pk"))
    if not runs:
        return ""
    is_over = event.state in {WebhookEvent.State.DEAD, WebhookEvent.State.PROCESSED}
    headings = [_("receiver"), _("signal"), _("state"), _("attempts"), _("duration"), _("error")]
    rows = [
        (
            link_to(site, ReceiverRun, run.pk, visible(run.receiver)),
            visible(run.signal),
            _state(run),
            run.attempts,
            EMPTY if run.duration is None else span_of(run.duration),
            last_line(run.last_error) or EMPTY,
            _once_more(run, address if is_over else ""),
        )
        for run in runs
    ]
    return table([*headings, ""], rows)


def _state(run: ReceiverRun) -> SafeString:
    text = '<span class="billing-webhooks-state billing-webhooks-{}">{}</span>'
    return format_html(text, run.state, run.get_state_display())


def _once_more(run: ReceiverRun, address: str) -> SafeString | str:
    """Return a button for a run that failed and is not tried again by itself."""
    if run.state == ReceiverRun.State.SUCCEEDED or not address:
        return ""
    query = urlencode({"key": run.event_id, "receiver": run.receiver})
    return format_html('<a class="button" href="{}?{}">{}</a>', address, query, _("Run it again"))


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
