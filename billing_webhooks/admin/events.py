"""Pages of events: what was received, and what became of it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from operator import attrgetter
from typing import Any

from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from billing_webhooks.admin import searching
from billing_webhooks.admin.base import ReadOnlyAdmin, ReadOnlyInline, ShowsError
from billing_webhooks.admin.changes import changes_table
from billing_webhooks.admin.filters import EventTypeFilter, ProviderFilter
from billing_webhooks.admin.json_text import json_text
from billing_webhooks.admin.overview import ShowsOverview
from billing_webhooks.admin.rendering import EMPTY, link, preformatted, visible
from billing_webhooks.conf import settings
from billing_webhooks.models import ConflictingDelivery, Mailbox, ReceiverRun, WebhookEvent
from billing_webhooks.redaction import shown_payload
from billing_webhooks.replaying import replay

logger = logging.getLogger("billing_webhooks.admin")

VIEW_PAYLOAD = "billing_webhooks.view_payload"
REPLAY = "billing_webhooks.replay_webhookevent"
MAX_LINES = 5_000
NOT_SHOWN = _("It is not shown, because BILLING_WEBHOOKS_REDACT is set.")


def shown_text(
    event: WebhookEvent, said: Callable[[WebhookEvent], Any] = shown_payload
) -> SafeString:
    """Return what an event says, its payload, as indented JSON, or what is wrong with it."""
    try:
        text = json_text(said(event), max_lines=MAX_LINES)
    except Exception as error:
        # Whatever is wrong with it, its page is where somebody will find that out.
        text = f"{type(error).__name__}: {error}"
    return preformatted(text)


class ReceiverRunInline(ReadOnlyInline):
    model = ReceiverRun
    fields = ("receiver", "signal", "subject", "state", "attempts", "duration", "error_line")
    readonly_fields = fields
    show_change_link = True

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


class WebhookEventAdmin(ShowsOverview, ShowsError, ReadOnlyAdmin):
    list_display = (
        "received_at",
        "event_type",
        "state",
        "customer_link",
        "outcome",
        "provider",
        "occurred_at",
    )
    list_display_links = ("received_at", "event_type")
    list_filter = ("state", "outcome", ProviderFilter, EventTypeFilter, "trust")
    list_select_related = ("customer",)
    ordering = ("-received_at", "-id")
    search_fields = ("external_id",)
    search_help_text = _("The exact id of an event, or a customer's id or e-mail address.")
    inlines = (ReceiverRunInline, ConflictInline)
    actions = ("replay",)
    fieldsets = (
        (
            _("What it is"),
            {
                "fields": (
                    "provider",
                    "event_type",
                    "external_id",
                    "customer",
                    "trust",
                    "deliveries",
                )
            },
        ),
        (
            _("When"),
            {
                "fields": (
                    "occurred_at",
                    "received_at",
                    "applied_at",
                    "processed_at",
                    "pruned_at",
                )
            },
        ),
        (
            _("How it stands"),
            {
                "fields": (
                    "state",
                    "outcome",
                    "attempts",
                    "attempt_began_at",
                    "next_attempt_at",
                    "only_receiver",
                    "error",
                    "mailbox_link",
                    "sequence",
                )
            },
        ),
        (_("What it changed"), {"fields": ("changed",)}),
        (_("Payload"), {"fields": ("payload_json", "confirmation_json", "payload_refused")}),
        (_("As received"), {"fields": ("headers", "body_text"), "classes": ("collapse",)}),
    )
    readonly_fields = (
        "error",
        "mailbox_link",
        "sequence",
        "changed",
        "payload_json",
        "confirmation_json",
        "payload_refused",
        "body_text",
    )

    def matching(self, term: str) -> Q:
        found = Q(pk__in=searching.events(term))
        return found | Q(customer__in=searching.customers(term))

    def hidden_fields(self, request: HttpRequest) -> set[str]:
        shows_payload = request.user.has_perm(VIEW_PAYLOAD)
        shown = {"payload_json", "confirmation_json", "body_text"}
        return super().hidden_fields(request) | ({"payload_refused"} if shows_payload else shown)

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        response = super().change_view(request, object_id, form_url, extra_context)
        if response.status_code == 200 and request.user.has_perm(VIEW_PAYLOAD):
            logger.info("User %s looked at the payload of event %s.", request.user.pk, object_id)
        return response

    def has_replay_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm(REPLAY))

    @admin.action(description=_("Replay selected events"), permissions=["replay"])
    def replay(self, request: HttpRequest, events: QuerySet[WebhookEvent]) -> None:
        replayed = replay(events.order_by("occurred_at", "sequence"))
        count = len(replayed.keys)
        if count:
            text = ngettext(
                "%d event is worked once more.", "%d events are worked once more.", count
            )
            self.message_user(request, text % count, messages.SUCCESS)
        for reason, count in replayed.refused.items():
            text = ngettext(
                "%d event was not replayed: %s", "%d events were not replayed: %s", count
            )
            self.message_user(request, text % (count, reason), messages.WARNING)

    @admin.display(description=_("mailbox"))
    def mailbox_link(self, event: WebhookEvent) -> str:
        # An event in quarantine is nobody's turn, so its mailbox may never have been made.
        mailbox = Mailbox._default_manager.filter(pk=event.mailbox).first()
        return event.mailbox if mailbox is None else link(self.admin_site, mailbox)

    @admin.display(description=_("changes"))
    def changed(self, event: WebhookEvent) -> str:
        return changes_table(self.admin_site, event.changes) if event.changes else EMPTY

    @admin.display(description=_("payload"))
    def payload_json(self, event: WebhookEvent) -> str:
        if event.pruned_at is not None:
            return gettext("It was pruned: what it said is gone.")
        return shown_text(event)

    @admin.display(description=_("what the provider's API said"))
    def confirmation_json(self, event: WebhookEvent) -> str:
        if not event.confirmation:
            return EMPTY
        if settings.REDACT:
            return str(NOT_SHOWN)
        return shown_text(event, attrgetter("confirmed"))

    @admin.display(description=_("body"))
    def body_text(self, event: WebhookEvent) -> str:
        if settings.REDACT:
            return str(NOT_SHOWN)
        return preformatted(bytes(event.body).decode(errors="backslashreplace"))

    @admin.display(description=_("payload"))
    def payload_refused(self, event: WebhookEvent) -> str:
        return gettext("To see it you need the permission %(name)s.") % {"name": VIEW_PAYLOAD}
