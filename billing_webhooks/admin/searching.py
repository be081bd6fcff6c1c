"""
Finding rows by the ids that people have at hand, or by the beginnings of them.

Each lookup is one query by an index, and what it finds goes into the next as a list:
a join of two conditions by OR would read the whole table.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db.models import Model, Q
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from billing_webhooks.models import Customer, CustomerIdentity, Subscription, WebhookEvent
from billing_webhooks.projection.appliers import entry_identity
from billing_webhooks.projection.registers import Stamp

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

MAX_FOUND = 100
MIN_BEGINNING = 4
LAST = 0x10FFFF
SURROGATES = range(0xD800, 0xE000)


def help_text(what: StrOrPromise) -> Any:
    """Return what a search box says of itself."""
    how = _(
        "Type all of it, or at least its first four characters: of each kind, the first "
        "hundred that begin so are found."
    )
    return format_lazy("{} {}", what, how)


def customers(term: str) -> list[Any]:
    """Return the keys of the customers with an e-mail address or any of a provider's ids."""
    by_email = _keys(Customer, "email", {term, term.lower()})
    return by_email + _keys(CustomerIdentity, "value", {term}, "row_id")


def subscriptions(term: str) -> list[Any]:
    """Return the keys of the subscriptions with a provider's id."""
    return _keys(Subscription, "external_id", {term})


def events(term: str) -> list[Any]:
    """Return the keys of the events with a provider's id, or with the one we gave."""
    found = _keys(WebhookEvent, "external_id", {term})
    try:
        return [*found, UUID(term)]
    except ValueError:
        return found


def entries(model: type[Model], term: str) -> list[Any]:
    """Return the keys of the entries with a provider's id, or with that of their event."""
    # What the provider gave no id of its own is known by its event.
    identities = entry_identity(term, Stamp("", "")), entry_identity("", Stamp("", term))
    return _keys(model, "identity", identities, is_whole=len(term) < MIN_BEGINNING)


def beginning(column: str, text: str) -> Q:
    """
    Return the condition of the values that begin with a text, as a range of an index.

    The column has to be exact: in order of its characters' numbers on every database.
    """
    end = _next(text)
    condition = Q((f"{column}__gte", text))
    return condition & Q((f"{column}__lt", end)) if end else condition


def _next(text: str) -> str:
    """Return the first text behind all that begin with this one, "" if there is none."""
    for place in range(len(text) - 1, -1, -1):
        number = ord(text[place]) + 1
        if number <= LAST:
            following = SURROGATES.stop if number in SURROGATES else number
            return text[:place] + chr(following)
    return ""


def _keys(
    model: type[Model],
    column: str,
    texts: Iterable[str],
    key: str = "pk",
    *,
    is_whole: bool = False,
) -> list[Any]:
    """Return the keys of the rows whose column is one of the texts, or begins so."""
    found: list[Any] = []
    for text in sorted(texts):
        # What is equal comes first of all that begin so.
        is_exact = is_whole or len(text) < MIN_BEGINNING
        is_it = Q((column, text)) if is_exact else beginning(column, text)
        rows = model._default_manager.filter(is_it).order_by(column)
        found += rows.values_list(key, flat=True)[:MAX_FOUND]
    return found
