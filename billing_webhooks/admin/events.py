"""Pages of events: what was received, and what became of it."""

from __future__ import annotations

import logging
from operator import attrgetter
from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import display_for_value
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from billing_webhooks.admin import searching
from billing_webhooks.admin.actions import ActsOnRows
from billing_webhooks.admin.base import ReadOnlyAdmin, ShowsError, without_large_columns
from billing_webhooks.admin.changes import changes_table
from billing_webhooks.admin.event_actions import EVENT_ACTIONS
from billing_webhooks.admin.event_parts import (
    VIEW_PAYLOAD,
    ConflictInline,
    runs_of,
    shown_text,
)
from billing_webhooks.admin.filters import EventTypeFilter, ProviderFilter, UnprocessedFilter
from billing_webhooks.admin.overview import ShowsOverview
from billing_webhooks.admin.paging import Ordering
from billing_webhooks.admin.rendering import (
    EMPTY,
    link,
    link_to,
    preformatted,
    visible,
)
from billing_webhooks.admin.summary import neighbour, summary
from billing_webhooks.conf import settings
from billing_webhooks.models import Customer, Mailbox, WebhookEvent
from billing_webhooks.wording import duration

logger = logging.getLogger("billing_webhooks.admin")

# Column → field that shows it, of which there is nothing to say for most events.
SELDOM = {
    "pruned_at": "pruned_at",
    "attempt_began_at": "attempt_began_at",
    "next_attempt_at": "next_attempt_at",
    "only_receiver": "only_receiver",
    "last_error": "error",
    "confirmation": "confirmation_json",
}
NOT_SHOWN = _("It is not shown, because BILLING_WEBHOOKS_REDACT is set.")


class WebhookEventAdmin(ShowsOverview, ShowsError, ActsOnRows, ReadOnlyAdmin):
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
    list_filter = (
        ("state", UnprocessedFilter),
        "outcome",
        ProviderFilter,
        EventTypeFilter,
        "received_at",
        "trust",
    )
    list_select_related = ("customer",)
    orderings = (
        Ordering("newest", _("newest first"), ("-received_at", "-id")),
        Ordering("oldest", _("oldest first"), ("received_at", "id")),
        Ordering(
            "next",
            _("pending, by next attempt"),
            ("next_attempt_at", "id"),
            {"state__exact": WebhookEvent.State.PENDING.value},
        ),
    )
    search_fields = ("external_id",)
    search_help_text = searching.help_text(
        _("The id of an event, or a customer's id or e-mail address.")
    )
    row_actions = EVENT_ACTIONS
    order = ("occurred_at", "sequence")
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
                    "delay",
                    "applied_at",
                    "processed_at",
                    "processing_time",
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
        "delay",
        "processing_time",
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
        shown = {"payload_json", "confirmation_json", "headers", "body_text"}
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

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        event = context["original"]
        customers = Customer._default_manager.filter(pk=event.customer_id)
        customer = without_large_columns(customers, ()).first()
        about = "" if customer is None else self.link(customer)
        addresses = {each.name: self.action_url(each.name) for each in self.permitted(request)}
        context |= {
            "summary": summary(event, about),
            "runs": runs_of(self.admin_site, event, addresses),
            "previous": self.neighbour(event, -1),
            "next": self.neighbour(event, 1),
        }
        return super().render_change_form(request, context, *args, **kwargs)

    def get_inlines(self, request: HttpRequest, obj: Any) -> Any:
        return (ConflictInline,) if obj is not None and obj.conflicts.exists() else ()

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        empty = {SELDOM[name] for name in SELDOM if obj is not None and not getattr(obj, name)}
        return [
            (
                title,
                {**options, "fields": [name for name in options["fields"] if name not in empty]},
            )
            for title, options in super().get_fieldsets(request, obj)
        ]

    def neighbour(self, event: WebhookEvent, step: int) -> SafeString | str:
        """Return a link to the next event of the same customer, or with -1 to the one before."""
        found = neighbour(event, step)
        if found is None:
            return ""
        received = display_for_value(found.received_at, EMPTY)
        text = visible(f"{found.event_type or gettext('unreadable event')}, {received}")
        return link_to(self.admin_site, WebhookEvent, found.pk, text)

    @admin.display(description=_("delay"))
    def delay(self, event: WebhookEvent) -> str:
        """Return how long after it occurred it arrived."""
        return duration(event.received_at - event.occurred_at)

    @admin.display(description=_("processed after"))
    def processing_time(self, event: WebhookEvent) -> str:
        if event.processed_at is None:
            return EMPTY
        return duration(event.processed_at - event.received_at)

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
