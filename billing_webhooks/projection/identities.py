"""
Which row an event means.

A provider may name one customer by its id, by its organisation, or by both, in events
that arrive in any order; plans likewise. The names are rows of their own. A name seen
for the first time gets a row, in a small transaction of its own, so that the rows to
lock exist when the projection's begins. An event that gives several names claims the
weaker ones for the strongest: the newest claim to a name wins, and whatever was said of
that name passes to the row it belongs to. That changes rows, so it is part of the
projection's transaction, and told like every other change.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Any, Generic, TypeAlias

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from billing_webhooks.facts import CustomerRef, Key, PlanRef
from billing_webhooks.models import Customer, CustomerIdentity, Plan, PlanIdentity
from billing_webhooks.projection import newcomers
from billing_webhooks.projection.meaning import (
    Meant,
    Ref,
    claim,
    meanings,
    meant_by,
    owner_register,
)
from billing_webhooks.projection.moving import move_all, move_some, recompute
from billing_webhooks.projection.newcomers import Wanted
from billing_webhooks.projection.registers import OWNER, Draft, NamedDraft, Stamp, name_of

Known: TypeAlias = Mapping[Key, Any]

MAX_TRIES = 10


class Identities(Generic[Ref]):
    """The identities of one kind of row of one provider."""

    def __init__(
        self,
        db: str,
        provider: str,
        model: type[CustomerIdentity] | type[PlanIdentity],
        row_model: type[Customer] | type[Plan],
    ) -> None:
        self.db = db
        self.provider = provider
        self.model = model
        self.row_model = row_model

    def resolve(self, refs: Iterable[tuple[Ref, Stamp]]) -> dict[Ref, Meant]:
        """Return each ref's row, made where necessary, in small transactions of its own."""
        wanted = [(ref, stamp) for ref, stamp in refs if ref.keys]
        keys = {key for ref, _ in wanted for key in ref.keys}
        known = self._known(keys)
        unknown = [(ref, stamp) for ref, stamp in wanted if not known.keys() >= set(ref.keys)]
        for ref, stamp in self._make_new(unknown, known) if unknown else ():
            self._name(ref, stamp)
        if unknown:
            known = self._known(keys)
        return meanings((ref for ref, _ in wanted), _owners(known))

    def gather(
        self, refs: Iterable[tuple[Ref, Stamp]], meant: Mapping[Ref, Meant]
    ) -> Mapping[Ref, Meant]:
        """
        Let names pass to the rows of those refs that claim them, in the caller's transaction.

        Raise IntegrityError if they have passed to other rows since `meant` was made.
        """
        earlier: dict[Ref, list[Draft[Any]]] = {}
        # In the order in which they were said, not in which they came: where two claim a name,
        # the later one is noted only when the facts are folded, and has no say here.
        for ref, stamp in sorted(dict.fromkeys(refs), key=itemgetter(1)):
            if not ref.keys or not meant[ref].elsewhere:
                continue
            if moved := self._gather(ref, stamp, meant[ref]):
                earlier.setdefault(ref, []).extend(moved)
                known = self._known({key for each in meant for key in each.keys}, lock=True)
                owners = _owners(known)
                meant = {each: meant_by(each, owners, earlier.get(each, ())) for each in meant}
        return meant

    def _known(self, keys: Iterable[Key], *, lock: bool = False) -> dict[Key, Any]:
        # The pairs of kind and value that were not asked for do no harm.
        kinds, values = {kind for kind, _ in keys}, {value for _, value in keys}
        if not values:
            return {}
        found = self._names().filter(provider=self.provider, kind__in=kinds, value__in=values)
        if lock:
            found = found.select_for_update()
        return {(identity.kind, identity.value): identity for identity in found}

    def _make_new(
        self, refs: Sequence[tuple[Ref, Stamp]], known: Known
    ) -> Sequence[tuple[Ref, Stamp]]:
        """
        Make the rows of those that are wholly new, all at once, and return the others.

        If another worker has just made one of them, that is for each to find out.
        """
        try:
            with transaction.atomic(using=self.db):
                wanted = Wanted(self.row_model, refs, known)
                [made] = newcomers.make(self.db, self.provider, wanted)
        except IntegrityError:
            return refs
        names = {name for _, names in made for name in names}
        return [(ref, stamp) for ref, stamp in refs if ref.keys[0] not in names]

    def _name(self, ref: Ref, stamp: Stamp) -> None:
        for attempt in range(1, MAX_TRIES + 1):
            try:
                # Not in the transaction: under REPEATABLE READ it would go on seeing the names
                # as they were before it had the locks.
                row_ids = {identity.row_id for identity in self._known(ref.keys).values()}
                with transaction.atomic(using=self.db):
                    self._name_once(ref, stamp, row_ids)
                return
            except IntegrityError:
                # Another worker has just made one of these names; look again.
                if attempt == MAX_TRIES:
                    raise

    def _name_once(self, ref: Ref, stamp: Stamp, row_ids: set[int]) -> None:
        known, rows = self._lock(ref.keys, row_ids)
        strongest, *weaker = ref.keys
        if strongest in known:
            owner = rows[known[strongest].row_id]
        else:
            owner = self._unowned(weaker, known, rows) or self._new_row()
            self._give(strongest, owner)
        owner.registers.setdefault(name_of(strongest), {})
        for key in weaker:
            if key not in known:
                self._give(key, owner)
            elif known[key].row_id != owner.pk:
                continue
            claim(owner, key, strongest, stamp)
        owner.save(using=self.db)

    def _gather(self, ref: Ref, stamp: Stamp, meant: Meant) -> list[Draft[Any]]:
        """Return the rows that have changed by it, as they were, but for those that are gone."""
        known, rows = self._lock(ref.keys, {meant.pk, *meant.elsewhere.values()}, lock=True)
        strongest, *weaker = ref.keys
        owner = rows[known[strongest].row_id]
        earlier = {pk: NamedDraft(row) for pk, row in rows.items()}
        moved: list[int] = []
        subscriptions: dict[str, Draft[Any]] = {}
        for key in weaker:
            source = rows[known[key].row_id]
            if source is not owner and _is_newer(stamp, source, key):
                for draft in self._bring(key, source, owner):
                    subscriptions.setdefault(draft.row.external_id, draft)
                claim(owner, key, strongest, stamp)
                moved += [owner.pk, source.pk]
                known = self._known(ref.keys, lock=True)
        if moved:
            owner.save(using=self.db)
        told: list[Draft[Any]] = [
            earlier[pk] for pk in dict.fromkeys(moved) if self._call(earlier[pk])
        ]
        return [*told, *subscriptions.values()]

    def _call(self, draft: NamedDraft[Any]) -> bool:
        """Call a row by the strongest name that it has left; return whether it has one."""
        names = self._names().filter(row_id=draft.row.pk).values_list("kind", "value")
        strongest = min(names, key=lambda key: (key[0] != "id", key), default=None)
        if strongest is not None:
            draft.speak_of(strongest)
        return strongest is not None

    def _lock(
        self, keys: Iterable[Key], row_ids: set[int], *, lock: bool = False
    ) -> tuple[Known, dict[int, Any]]:
        """
        Return the identities with these names and, locked, their rows, which are to be those.

        Unlocked, a row could be given two customers' ids by two workers, which would make
        one customer of two.
        """
        locked = self._rows().select_for_update().filter(pk__in=row_ids).order_by("pk")
        rows = {row.pk: row for row in locked}
        known = self._known(keys, lock=lock)
        if {identity.row_id for identity in known.values()} != rows.keys():
            raise IntegrityError("A name has passed to another row meanwhile.")
        return known, rows

    def _unowned(self, keys: Iterable[Key], known: Known, rows: Mapping[int, Any]) -> Any:
        """Return the row of a name that belongs to no stronger one, None without one."""
        for key in keys:
            if key in known and owner_register(rows[known[key].row_id], key) is None:
                return rows[known[key].row_id]
        return None

    def _bring(self, key: Key, source: Any, target: Any) -> list[Draft[Any]]:
        """
        Let a name pass from one row to another, with what was said of it.

        Return the subscriptions that pass with it, as they were.
        """
        names = _with_what_it_owns(source, name_of(key))
        for name in names & source.registers.keys():
            target.registers[name] = source.registers.pop(name)
        theirs = list(self._names().filter(row_id=source.pk))
        moved = [each for each in theirs if name_of((each.kind, each.value)) in names]
        self._names().filter(pk__in=[each.pk for each in moved]).update(row_id=target.pk)
        if len(moved) == len(theirs):
            subscriptions = move_all(self.db, source, target)
            self._rows().filter(pk=source.pk).delete()
        else:
            keys = [(each.kind, each.value) for each in moved]
            subscriptions = move_some(self.db, source, target, keys)
            recompute(self.db, source)
            source.save(using=self.db)
        recompute(self.db, target)
        return subscriptions

    def _give(self, key: Key, row: Any) -> None:
        kind, value = key
        identity = self.model(provider=self.provider, kind=kind, value=value, row_id=row.pk)
        identity.save(using=self.db, force_insert=True)

    def _new_row(self) -> Any:
        row = self.row_model(provider=self.provider)
        row.save(using=self.db, force_insert=True)
        return row

    def _names(self) -> QuerySet[Any]:
        return self.model._base_manager.using(self.db)

    def _rows(self) -> QuerySet[Any]:
        return self.row_model._base_manager.using(self.db)


def _owners(known: Known) -> dict[Key, int]:
    return {key: identity.row_id for key, identity in known.items()}


def _is_newer(stamp: Stamp, row: Any, key: Key) -> bool:
    register = owner_register(row, key)
    return register is None or Stamp(register[0], register[1]) < stamp


def _with_what_it_owns(row: Any, name: str) -> set[str]:
    """Return a name and the names on its row that belong to it, theirs included."""
    names = {name}
    while True:
        owned = {
            each
            for each, registers in row.registers.items()
            if OWNER in registers and name_of(tuple(registers[OWNER][2])) in names
        }
        if owned <= names:
            return names
        names |= owned


def customer_identities(db: str, provider: str) -> Identities[CustomerRef]:
    return Identities(db, provider, CustomerIdentity, Customer)


def plan_identities(db: str, provider: str) -> Identities[PlanRef]:
    return Identities(db, provider, PlanIdentity, Plan)
