"""What happened to a customer, for the customer's page: the newest first, a page at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.apps import apps
from django.contrib.admin.utils import display_for_value
from django.http import HttpRequest
from django.utils.text import Truncator
from django.utils.translation import gettext_lazy as _

from billing_webhooks.admin.base import ReadOnlyAdmin
from billing_webhooks.admin.customer_users import shows_links
from billing_webhooks.admin.rendering import EMPTY, link_to, visible
from billing_webhooks.models import Customer, ReceiverRun, WebhookEvent
from billing_webhooks.models.telling import Item
from billing_webhooks.models.timeline import place_of

LIMIT = 20
MAX_TEXT = 1_000
KINDS = {
    "event": _("Event"),
    "change": _("Change"),
    "run": _("Receiver"),
    "link": _("Link"),
}


@dataclass(frozen=True)
class Entry:
    kind: str
    name: str
    at: datetime
    when: str
    text: str


def timeline_of(admin: ReadOnlyAdmin, request: HttpRequest, customer: Customer) -> dict[str, Any]:
    """Return a page of the timeline, that which the query string's `before` begins."""
    before = cursor_in(request)
    page = customer.timeline(before=before, limit=LIMIT)
    return {
        "entries": [_entry(admin, item) for item in page if _is_shown(admin, request, item)],
        "older": page.next,
        "is_first": before is None,
    }


def cursor_in(request: HttpRequest) -> str | None:
    """Return the cursor in the query string, None if there is none, or none that is one."""
    cursor = request.GET.get("before", "")
    with suppress(ValueError):
        place_of(cursor)
        return cursor
    return None


def _is_shown(admin: ReadOnlyAdmin, request: HttpRequest, item: Item) -> bool:
    if item.kind == "link":
        return shows_links(request)
    if item.kind == "run":
        return admin.shows(request, ReceiverRun)
    return all(admin.shows(request, model) for model in _models(item))


def _models(item: Item) -> Iterator[Any]:
    """Yield the model of the row that a change is about, if this release has it."""
    with suppress(LookupError):
        if "model" in item.data:
            yield apps.get_model("billing_webhooks", item.data["model"])


def _entry(admin: ReadOnlyAdmin, item: Item) -> Entry:
    name, at = KINDS[item.kind], display_for_value(item.at, EMPTY)
    when = f"{name}, {at}"
    if item.kind == "run":
        when = link_to(admin.admin_site, ReceiverRun, item.data["id"], when)
    elif item.event is not None:
        when = link_to(admin.admin_site, WebhookEvent, item.event, when)
    return Entry(item.kind, str(name), item.at, when, visible(Truncator(item.text).chars(MAX_TEXT)))
