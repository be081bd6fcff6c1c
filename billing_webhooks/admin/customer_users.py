"""Whose a customer is, for the customer's page, and all that these users have."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth import get_user_model
from django.http import HttpRequest
from django.utils.text import Truncator
from django.utils.translation import gettext

from billing_webhooks.access.together import Share, Together, together
from billing_webhooks.admin.base import ReadOnlyAdmin
from billing_webhooks.admin.paging import MAX_COUNTED
from billing_webhooks.admin.rendering import MAX_NAME, link, link_to, visible
from billing_webhooks.models import Customer, CustomerLink, Plan, Subscription

LINK = "billing_webhooks.link_customer"
VIEW_LINKS = "billing_webhooks.view_customerlink"
MAX_USERS = 5
MAX_SHARES = 10


@dataclass(frozen=True)
class Card:
    """One customer of a user: what it has, by whatever provider."""

    name: str
    provider: str
    plan: str
    status: str
    granted: bool
    words: str
    until: datetime | None
    is_this: bool


@dataclass(frozen=True)
class LinkedUser:
    """A user who has what the customer pays for; `name` is None if there is no such user."""

    key: Any
    name: str | None
    plain_name: str
    address: str
    resolver: str
    since: datetime
    together: Together
    cards: list[Card]

    @property
    def more(self) -> int:
        return self.together.count - len(self.cards)


def may_link(request: HttpRequest) -> bool:
    """Return whether this request's user may link and unlink."""
    return bool(request.user.has_perm(LINK))


def shows_links(request: HttpRequest) -> bool:
    """Return whether this request's user may see whose a customer is."""
    return may_link(request) or bool(request.user.has_perm(VIEW_LINKS))


def users_of(admin: ReadOnlyAdmin, request: HttpRequest, customer: Customer) -> dict[str, Any]:
    """Return the first linked users with all that each has, and how many there are."""
    links = list(customer.links.order_by("pk")[: MAX_USERS + 1])
    shown = links[:MAX_USERS]
    keys = [link.user_id for link in shown]
    users = get_user_model()._base_manager.in_bulk(keys)
    have = together(keys, MAX_SHARES) if keys else {}
    page = Page(admin, request, customer)
    is_more = len(links) > MAX_USERS
    return {
        "users": [page.linked(each, users.get(each.user_id), have[each.user_id]) for each in shown],
        "count": customer.links.all()[:MAX_COUNTED].count() if is_more else len(shown),
        "is_more": is_more,
        "may_link": may_link(request),
    }


def name_of(user: Any) -> str:
    """Return what a user is called, as a page can show it."""
    return Truncator(visible(str(user))).chars(MAX_NAME)


def address_of(user: Any) -> str:
    """Return a user's e-mail address, "" if users have none, as a page can show it."""
    return visible(str(getattr(user, user.get_email_field_name(), "") or ""))


@dataclass(frozen=True)
class Page:
    admin: ReadOnlyAdmin
    request: HttpRequest
    customer: Customer

    def linked(self, row: CustomerLink, user: Any, have: Together) -> LinkedUser:
        """Return a linked user; the link to her own page is for those who may view it."""
        return LinkedUser(
            row.user_id,
            None if user is None else self._user(user),
            "" if user is None else name_of(user),
            "" if user is None else address_of(user),
            visible(row.resolver),
            row.created_at,
            have,
            [self._card(share) for share in have.shares],
        )

    def _user(self, user: Any) -> str:
        name = name_of(user)
        if not self.admin.shows(self.request, type(user)):
            return name
        return link_to(self.admin.admin_site, type(user), user.pk, name)

    def _card(self, share: Share) -> Card:
        is_this = share.customer.pk == self.customer.pk
        name = visible(Truncator(share.customer).chars(MAX_NAME))
        return Card(
            name if is_this else link(self.admin.admin_site, share.customer),
            share.customer.provider,
            self._plan(share),
            self._status(share),
            share.answer.granted,
            share.answer.reason,
            share.answer.until,
            is_this,
        )

    def _plan(self, share: Share) -> str:
        if share.plan is None:
            return gettext("none")
        if self.admin.shows(self.request, Plan):
            return link(self.admin.admin_site, share.plan)
        return visible(Truncator(share.plan).chars(MAX_NAME))

    def _status(self, share: Share) -> str:
        if share.subscription is None or not self.admin.shows(self.request, Subscription):
            return ""
        return str(share.subscription.get_status_display())
