"""Parts of an event's page: what it said, and what receivers made of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
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
    table,
    visible,
)
from billing_webhooks.models import ConflictingDelivery, ReceiverRun, WebhookEvent
from billing_webhooks.redaction import shown_payload
from billing_webhooks.wording import duration, last_line

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


def runs_of(site: AdminSite, event: WebhookEvent, addresses: Mapping[str, str]) -> SafeString | str:
    """
    Return a table of what receivers made of an event, "" if there were none.

    `addresses` has where each action that is permitted is confirmed, by its name.
    """
    runs = list(event.runs.order_by("pk"))
    if not runs:
        return ""
    headings = (_("state"), _("receiver"), _("attempts"), _("duration"), _("action"))
    rows = (
        (
            _state(run),
            _receiver(site, run),
            run.attempts,
            EMPTY if run.duration is None else duration(run.duration),
            _once_more(run, event, addresses) or EMPTY,
        )
        for run in runs
    )
    return table(headings, rows)


def _receiver(site: AdminSite, run: ReceiverRun) -> SafeString:
    """Return who ran, for what, and what went wrong if anything did."""
    error = last_line(run.last_error)
    return format_html(
        '{}<br><span class="help">{}</span>{}',
        link_to(site, ReceiverRun, run.pk, visible(run.receiver)),
        " ".join(filter(None, [visible(run.signal), visible(run.subject)])),
        format_html("<br>{}", error) if error else "",
    )


def _state(run: ReceiverRun) -> SafeString:
    text = '<span class="billing-webhooks-state billing-webhooks-{}">{}</span>'
    return format_html(text, run.state, run.get_state_display())


def _once_more(
    run: ReceiverRun, event: WebhookEvent, addresses: Mapping[str, str]
) -> SafeString | str:
    """Return a button by which a run that failed is tried again, "" where there is none."""
    if run.state == ReceiverRun.State.SUCCEEDED:
        return ""
    if event.state == WebhookEvent.State.PENDING:
        name, label, query = "retry", _("Retry now"), {"key": str(event.pk)}
    else:
        name, label = "replay_receiver", _("Run it again")
        query = {"key": str(event.pk), "receiver": run.receiver}
    if name not in addresses or event.state == WebhookEvent.State.QUARANTINED:
        return ""
    button = '<a class="button" href="{}?{}">{}</a>'
    return format_html(button, addresses[name], urlencode(query), label)


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
