"""The rows that a batch of events touches: loaded once, changed in memory, written once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Any, TypeAlias, TypeVar

from billing_webhooks.facts import CustomerRef, PlanRef
from billing_webhooks.models import (
    Customer,
    Invoice,
    Payment,
    Plan,
    Subscription,
    UsageRecord,
)
from billing_webhooks.models.billing import BillingRow
from billing_webhooks.models.entries import Entry
from billing_webhooks.projection.columns import new_row
from billing_webhooks.projection.loading import (
    ENTRIES,
    Loaded,
    Named,
    RowsMoved,
    Touched,
    locked,
)
from billing_webhooks.projection.meaning import Meant, Resolution, claim
from billing_webhooks.projection.registers import Draft, NamedDraft, Stamp, name_of
from billing_webhooks.projection.settling import settle, subscriptions_of
from billing_webhooks.projection.writing import write

Drafts: TypeAlias = dict[Any, Draft[Any]]

AnyRow = TypeVar("AnyRow", bound=BillingRow)
AnyEntry = TypeVar("AnyEntry", Payment, Invoice, UsageRecord)


class Rows:
    """
    The rows of one provider that a batch touches, as drafts.

    They are locked: customers, plans, subscriptions, entries, each by primary key, and
    everybody locks in this order. A batch alone leaves the plans for the end.
    """

    def __init__(self, db: str, provider: str, resolution: Resolution, loaded: Loaded) -> None:
        self.db = db
        self.provider = provider
        self._resolution = resolution
        self._customers: Drafts = dict(loaded.customers.drafts)
        self._plans: Drafts = dict(loaded.plans.drafts)
        self._subscriptions = loaded.subscriptions
        self._entries = loaded.entries
        # Of these nobody may have said whose they are.
        self._unclaimed = {model: list(drafts.values()) for model, drafts in self._entries.items()}
        # Against the order of locks, and seldom: the subscription of a payment is mostly named.
        asked_for = {
            name
            for drafts in self._entries.values()
            for entry in drafts.values()
            for name in subscriptions_of(entry)
        }
        self._subscriptions |= self._locked(
            Subscription, "external_id", asked_for - self._subscriptions.keys()
        )
        self._tell_entries_their_subscriptions()
        self._touched: dict[int, Draft[Any]] = {}
        self._recalled: dict[int, Draft[Any]] = {}

    @classmethod
    def resolved(cls, db: str, provider: str, resolution: Resolution, touched: Touched) -> Rows:
        """Return the rows of a batch whose customers and plans are known by primary key."""
        passed = {
            each.row.external_id
            for resolved in (resolution.customers, resolution.plans)
            for each in _earlier(resolved)
            if isinstance(each.row, Subscription)
        }
        get: Any = partial(locked, db, provider)
        return cls(
            db,
            provider,
            resolution,
            Loaded(
                Named(get(Customer, "pk", _keys(resolution.customers))),
                Named(get(Plan, "pk", _keys(resolution.plans))),
                get(Subscription, "external_id", touched.subscriptions | passed),
                {
                    model: get(model, "identity", touched.entries.get(model, ()))
                    for model in ENTRIES
                },
            ),
        )

    def begin_event(self) -> None:
        """Begin an event: what is asked for from now on is what it touches."""
        self._touched = {}

    def touched(self) -> list[Draft[Any]]:
        """Return the drafts that were asked for since `begin_event`, in that order."""
        return list(self._touched.values())

    def customer(self, ref: CustomerRef, stamp: Stamp) -> NamedDraft[Customer]:
        return self._named(self._customers, ref, self._resolution.customers[ref], stamp)

    def plan(self, ref: PlanRef, stamp: Stamp) -> NamedDraft[Plan]:
        return self._named(self._plans, ref, self._resolution.plans[ref], stamp)

    def subscription(self, external_id: str) -> Draft[Subscription]:
        if external_id not in self._subscriptions:
            row = new_row(Subscription, self.provider, external_id=external_id)
            self._subscriptions[external_id] = Draft(row)
        return self._touch(self._subscriptions[external_id])

    def settle(self) -> None:
        """Let the entries that were touched settle the subscriptions that they are for."""
        for draft in self.touched():
            if isinstance(draft.row, Entry):
                for external_id in subscriptions_of(draft):
                    settle(draft, self.subscription(external_id))

    def entries_of(self, draft: Draft[Subscription]) -> list[Draft[Any]]:
        """Return, as touched, the entries for a subscription of which no event said whose."""
        subscription = draft.row
        found: list[Draft[Any]] = []
        for model, drafts in self._entries.items():
            if subscription.pk is not None:
                of_it = self._locked(model, "subscription", {subscription.pk}, called="identity")
                for identity, entry in of_it.items():
                    if identity not in drafts:
                        self._add(model, identity, entry)
            for entry in self._still_unclaimed(model):
                if entry.value("subscription_key") == ["id", subscription.external_id]:
                    entry.row.subscription = subscription
                    found.append(self._touch(entry))
        return found

    def _still_unclaimed(self, model: type[Entry]) -> list[Draft[Any]]:
        """
        Return the entries of which nobody has said whose they are.

        A batch asks once for each of its subscriptions, so it does not ask the others again.
        """
        left = [each for each in self._unclaimed[model] if each.value("customer_key") is None]
        self._unclaimed[model] = left
        return left

    def entry(self, model: type[AnyEntry], identity: str) -> Draft[AnyEntry]:
        drafts: dict[str, Any] = self._entries[model]
        if identity not in drafts:
            self._add(model, identity, Draft(new_row(model, self.provider, identity=identity)))
        return self._touch(drafts[identity])

    def _add(self, model: type[Entry], identity: str, entry: Draft[Any]) -> None:
        self._entries[model][identity] = entry
        self._unclaimed[model].append(entry)

    def write(self, *, with_plans: bool = True) -> None:
        """Write what has changed, new subscriptions before the entries that refer to them."""
        tables = [self._plans] if with_plans else []
        tables += [self._customers, self._subscriptions]
        if any(draft.row.pk is None for draft in self._subscriptions.values()):
            write(self.db, *(drafts.values() for drafts in tables))
            tables = []
        for drafts in self._entries.values():
            for entry in drafts.values():
                # One that was new has got its primary key by now.
                if entry.row.subscription_id is None:
                    entry.row.subscription = entry.row.subscription
            tables.append(drafts)
        write(self.db, *(drafts.values() for drafts in tables))

    def _tell_entries_their_subscriptions(self) -> None:
        """Spare the entries a query each when they are asked for their subscription."""
        subscriptions = {draft.row.pk: draft.row for draft in self._subscriptions.values()}
        for drafts in self._entries.values():
            for entry in drafts.values():
                if entry.row.subscription_id in subscriptions:
                    entry.row.subscription = subscriptions[entry.row.subscription_id]

    def _locked(
        self, model: type[BillingRow], name: str, values: Iterable[Any], *, called: str = ""
    ) -> dict[Any, Draft[Any]]:
        return locked(self.db, self.provider, model, name, values, called=called)

    def _touch(self, draft: Draft[AnyRow]) -> Draft[AnyRow]:
        if id(draft) not in self._touched:
            self._touched[id(draft)] = draft
            draft.begin()
        return draft

    def _named(
        self,
        drafts: dict[Any, Draft[Any]],
        ref: CustomerRef | PlanRef,
        meant: Meant,
        stamp: Stamp,
    ) -> NamedDraft[Any]:
        draft = drafts.get(meant.pk)
        if not isinstance(draft, NamedDraft):
            raise RowsMoved(f"Row {meant.pk} was merged into another meanwhile.")
        self._touch(draft)
        for earlier in meant.earlier:
            self._recall(earlier, drafts)
        strongest = ref.keys[0]
        for key in meant.owned:
            # Taken from the row since it was resolved, perhaps by an older claim than ours.
            if name_of(key) not in draft.row.registers:
                raise RowsMoved(f"A name of row {meant.pk} has passed to another meanwhile.")
            draft.is_dirty |= claim(draft.row, key, strongest, stamp)
        draft.speak_of(strongest)
        return draft

    def _recall(self, earlier: Draft[Any], drafts: Mapping[Any, Draft[Any]]) -> None:
        """Let a row that has changed because a name has passed have been what it was before."""
        if id(earlier) not in self._recalled:
            self._recalled[id(earlier)] = earlier
            is_subscription = isinstance(earlier.row, Subscription)
            same = self._subscriptions if is_subscription else drafts
            key = earlier.row.external_id if is_subscription else earlier.row.pk
            self._touch(same[key]).recall(earlier)


def _keys(resolved: Mapping[Any, Meant]) -> set[int]:
    passed = {each.row.pk for each in _earlier(resolved) if isinstance(each, NamedDraft)}
    return passed | {meant.pk for meant in resolved.values()}


def _earlier(resolved: Mapping[Any, Meant]) -> Iterator[Draft[Any]]:
    return (each for meant in resolved.values() for each in meant.earlier)
