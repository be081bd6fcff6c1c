"""
What was told of a subscription before anybody said whose it is.

An event may name a subscription alone. What came of it belongs to the subscription's
customer, whom another event names, sooner or later.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from billing_webhooks.models import Subscription, WebhookEvent
from billing_webhooks.models.lookups import of_sequences
from billing_webhooks.projection.registers import Draft
from billing_webhooks.projection.rows import Rows


@dataclass(frozen=True)
class Found:
    """A subscription whose customer is news, and the sequences of the events that wrote it."""

    subscription: Subscription
    sequences: frozenset[str]


def find(rows: Rows) -> Iterator[Found]:
    """Touch the entries for the subscriptions that have got a customer, and tell who wrote them."""
    for draft in rows.touched():
        if isinstance(draft.row, Subscription) and _is_news(draft):
            entries = rows.entries_of(draft)
            if entries or not draft.was_new:
                writers = frozenset(by for each in [draft, *entries] for by in _writers(each))
                yield Found(draft.row, writers)


def _is_news(draft: Draft[Subscription]) -> bool:
    return draft.row.customer_id not in {None, draft.earlier("customer")}


def attribute(db: str, found: Found) -> None:
    """Let the events that nobody was named in be the customer's of what they wrote."""
    events = WebhookEvent._base_manager.using(db).filter(
        of_sequences(found.sequences), provider=found.subscription.provider, customer=None
    )
    events.update(customer=found.subscription.customer_id)


def _writers(draft: Draft[Any]) -> Iterator[str]:
    return (register[1] for register in draft.standing().values())
