"""
A payment that names no subscription settles those for which it was asked before.

A failed payment may name what it was for, and its retry only the payment; an overdue
invoice likewise. So an entry remembers every subscription that was named with it, and
when it was last paid, and what is paid is good news of them all.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from billing_webhooks.facts import Collection
from billing_webhooks.projection.registers import Draft
from billing_webhooks.projection.spells import ARREARS

# The first word of the registers that name a subscription, and the one that says "paid".
FOR = "for "
IS_PAID = "is_paid"


def subscriptions_of(entry: Draft[Any]) -> Iterator[str]:
    """Yield the provider's ids of the subscriptions that were named with an entry."""
    return (name.removeprefix(FOR) for name in entry.own() if name.startswith(FOR))


def settle(entry: Draft[Any], subscription: Draft[Any]) -> None:
    """Write on a subscription that an entry for it was paid, if it was."""
    stamp = entry.stamp(IS_PAID)
    if stamp is not None:
        subscription.write("collection", Collection.PAID, stamp)
        ARREARS.end(subscription, stamp)
