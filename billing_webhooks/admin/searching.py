"""
Finding rows by the ids that people have at hand.

Each lookup is one query by an index, and what it finds goes into the next as a list:
a join of two conditions by OR would read the whole table.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import Model, Q

from billing_webhooks.models import Customer, CustomerIdentity, Subscription, WebhookEvent

MAX_FOUND = 100


def customers(term: str) -> list[Any]:
    """Return the keys of the customers with an e-mail address or any of a provider's ids."""
    by_email = _keys(Customer, Q(email__in={term, term.lower()}))
    return by_email + _keys(CustomerIdentity, Q(value=term), "row_id")


def subscriptions(term: str) -> list[Any]:
    """Return the keys of the subscriptions with a provider's id."""
    return _keys(Subscription, Q(external_id=term))


def events(term: str) -> list[Any]:
    """Return the keys of the events with a provider's id, or with the one we gave."""
    found = _keys(WebhookEvent, Q(external_id=term))
    try:
        return [*found, UUID(term)]
    except ValueError:
        return found


def _keys(model: type[Model], condition: Q, column: str = "pk") -> list[Any]:
    rows = model._default_manager.filter(condition).order_by()
    return list(rows.values_list(column, flat=True)[:MAX_FOUND])
