"""The page of a customer: what she has and why, whose she is, and what has happened."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from django.contrib.admin.utils import quote
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.urls import NoReverseMatch, reverse

from billing_webhooks.admin.base import ReadOnlyAdmin
from billing_webhooks.admin.customer_timeline import timeline_of
from billing_webhooks.admin.customer_usage import usage_of
from billing_webhooks.admin.customer_users import shows_links, users_of
from billing_webhooks.admin.rendering import visible
from billing_webhooks.admin.standing import standing_of
from billing_webhooks.models import Customer, UsageRecord, WebhookEvent

logger = logging.getLogger("billing_webhooks.admin")

Section = Callable[[], dict[str, Any]]


class CustomerPage(ReadOnlyAdmin):
    """The sections that stand above a customer's fields, of what the viewer may view."""

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **options: Any
    ) -> HttpResponse:
        customer = options.get("obj")
        if customer is not None:
            context["subtitle"] = visible(str(customer))
            sections = self.sections(request, customer)
            context["sections"] = {
                name: _told(name, customer, section) for name, section in sections.items()
            }
        return super().render_change_form(request, context, *args, **options)

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """Note what was done, but no name: who is erased must not stay in the history."""
        entry = super().log_change(request, obj, message)
        entry.object_repr = f"#{obj.pk}"
        entry.save(update_fields=["object_repr"])
        return entry

    def sections(self, request: HttpRequest, customer: Customer) -> dict[str, Section]:
        """Return what the page shows above the fields, by the names of their templates."""
        found: dict[str, Section] = {"standing": lambda: standing_of(self, request, customer)}
        if shows_links(request):
            found["users"] = lambda: self._users(request, customer)
        if self.shows(request, UsageRecord):
            found["usage"] = lambda: usage_of(customer)
        if self.shows(request, WebhookEvent):
            found["timeline"] = lambda: timeline_of(self, request, customer)
        return found

    def _users(self, request: HttpRequest, customer: Customer) -> dict[str, Any]:
        urls = {name: self.url_of(name, customer) for name in ("link", "unlink")}
        return {**users_of(self, request, customer), "urls": urls}

    def url_of(self, page: str, customer: Customer | None = None) -> str:
        """Return the address of a customer's page, or of all customers', "" if there is none."""
        name = f"admin:{self.opts.app_label}_{self.opts.model_name}_{page}"
        args = [] if customer is None else [quote(customer.pk)]
        try:
            return reverse(name, args=args, current_app=self.admin_site.name)
        except NoReverseMatch:
            return ""


def _told(name: str, customer: Customer, section: Section) -> dict[str, Any]:
    """Return a section; of one that cannot be told, that it cannot: the page shows the others."""
    try:
        return section()
    except DatabaseError:
        raise
    except Exception:
        # A column that cannot be read, say. Its page is where somebody will find that out.
        logger.exception("The part %r of customer %s's page cannot be shown.", name, customer.pk)
        return {"is_broken": True}
