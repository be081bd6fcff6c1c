"""Pages of mailboxes: whose events are worked in which order."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import Q
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from billing_webhooks.admin import searching
from billing_webhooks.admin.base import ReadOnlyAdmin
from billing_webhooks.admin.paging import Ordering
from billing_webhooks.models import Mailbox, WebhookEvent


class MailboxAdmin(ReadOnlyAdmin):
    list_display = ("key", "steps")
    orderings = (Ordering("key", _("by key"), ("key",)),)
    search_fields = ("key",)
    search_help_text = _("The beginning of a key: an alias, a colon, a kind, a colon, an id.")
    fieldsets = (
        (None, {"fields": ("key", "steps")}),
        (_("Next in turn"), {"fields": ("pending_events",)}),
    )
    readonly_fields = ("pending_events",)
    related = {"pending_events": WebhookEvent}

    def matching(self, term: str) -> Q:
        return searching.beginning("key", term)

    @admin.display(description=_("pending events"))
    def pending_events(self, mailbox: Mailbox) -> SafeString:
        query = {"mailbox__exact": mailbox.key, "state__exact": WebhookEvent.State.PENDING.value}
        events = WebhookEvent._default_manager.filter(**query).order_by("occurred_at", "sequence")
        return self.some(events, "occurred_at", "attempts", "next_attempt_at", **query)
