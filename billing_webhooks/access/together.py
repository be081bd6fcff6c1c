"""What each of several users has, beside one another, in a number of queries that does not grow."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from billing_webhooks.models import Customer, CustomerLink, Plan, Subscription
from billing_webhooks.models.access import NO_CUSTOMER
from billing_webhooks.models.answers import Answer, Decided, decided


@dataclass(frozen=True)
class Share:
    """What one customer of a user has, and the plan and subscription that decide about it."""

    customer: Customer
    answer: Answer
    plan: Plan | None
    subscription: Subscription | None


@dataclass(frozen=True)
class Together:
    """
    What one user has through all her customers; `answer` is that of `billing_of`.

    `shares` are the customers by their keys, of which there are `count`: as many as asked for.
    """

    answer: Answer
    shares: tuple[Share, ...]
    count: int


def together(users: Collection[Any], limit: int) -> dict[Any, Together]:
    """Return what users have by their primary keys, with at most `limit` customers of each."""
    owned: dict[Any, set[Any]] = defaultdict(set)
    links = CustomerLink.objects.filter(user__in=users)
    for user, customer in links.values_list("user", "customer"):
        owned[user].add(customer)
    customers = Customer.objects.filter(pk__in=_all_of(owned))
    found = decided(customers)
    shown = {user: sorted(owned[user])[:limit] for user in users}
    shares = {share.customer.pk: share for share in _shares(found, _all_of(shown))}
    return {
        user: Together(
            Answer(_first(found, owned[user])),
            tuple(shares[key] for key in shown[user] if key in shares),
            len(owned[user]),
        )
        for user in users
    }


def _all_of(keys: Mapping[Any, Collection[Any]]) -> set[Any]:
    return {key for each in keys.values() for key in each}


def _first(found: list[Decided], customers: Collection[Any]) -> Decided:
    # What is the answer stands first.
    mine = (each for each in found if each.customer_id in customers)
    return next(mine, Decided(NO_CUSTOMER))


def _shares(found: list[Decided], keys: Collection[Any]) -> Iterator[Share]:
    rows = Customer.objects.defer("registers").in_bulk(keys)
    best = {key: _first(found, {key}) for key in rows}
    plans = _rows(Plan, {each.plan_id for each in best.values()})
    subscriptions = _rows(Subscription, {each.subscription_id for each in best.values()})
    for key, each in best.items():
        yield Share(
            rows[key],
            Answer(each),
            plans.get(each.plan_id),
            subscriptions.get(each.subscription_id),
        )


def _rows(model: Any, keys: set[Any]) -> Mapping[Any, Any]:
    # One query for no keys, too: so that a page costs the same whoever is on it.
    rows = model.objects.filter(pk__in=keys - {None} or {0})
    return {row.pk: row for row in rows.defer("registers")}
