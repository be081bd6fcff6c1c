"""
Which row an event means.

A provider may name one customer by its id, by its organisation, or by both, in events
that arrive in any order; plans likewise. The names are rows of their own. A name seen
for the first time gets a row, and when an event shows that two rows are one, they are
merged. All this happens before the projection's transaction, in small ones of its own,
so that the rows to lock exist when it begins.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Generic, TypeAlias, TypeVar

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from billing_webhooks.facts import CustomerRef, Key, PlanRef
from billing_webhooks.models import Customer, CustomerIdentity, Plan, PlanIdentity
from billing_webhooks.models.billing import BillingRow
from billing_webhooks.projection.derivation import derive
from billing_webhooks.projection.registers import Draft, Stamp

Ref = TypeVar("Ref", CustomerRef, PlanRef)
Known: TypeAlias = Mapping[Key, Any]

MAX_TRIES = 10

# The register in which a row remembers that it was given a name of this kind.
REGISTERS = {
    "id": "external_id",
    "code": "said_code",
    "name": "name",
    "organization": "organization_code",
}


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

    def resolve(self, refs: Iterable[tuple[Ref, Stamp]]) -> dict[Ref, int]:
        """Return the primary key of each ref's row, made or merged where necessary."""
        wanted = [(ref, stamp) for ref, stamp in refs if ref.keys]
        known = self._known({key for ref, _ in wanted for key in ref.keys})
        resolved: dict[Ref, int] = {}
        settled = True
        for ref, stamp in wanted:
            rows = {known[key].row_id for key in ref.keys if key in known}
            if len(rows) == 1 and all(key in known for key in ref.keys):
                resolved[ref] = rows.pop()
            else:
                self._settle(ref, stamp)
                settled = False
        # Settling may have merged a row that was resolved before.
        return resolved if settled else self._strongest_rows(ref for ref, _ in wanted)

    def _known(self, keys: Iterable[Key]) -> dict[Key, Any]:
        # The pairs of kind and value that were not asked for do no harm.
        kinds, values = {kind for kind, _ in keys}, {value for _, value in keys}
        if not values:
            return {}
        found = self.model._base_manager.using(self.db).filter(
            provider=self.provider, kind__in=kinds, value__in=values
        )
        return {(identity.kind, identity.value): identity for identity in found}

    def _strongest_rows(self, refs: Iterable[Ref]) -> dict[Ref, int]:
        wanted = list(refs)
        known = self._known({key for ref in wanted for key in ref.keys})
        return {ref: next(known[key].row_id for key in ref.keys if key in known) for ref in wanted}

    def _settle(self, ref: Ref, stamp: Stamp) -> None:
        for attempt in range(1, MAX_TRIES + 1):
            try:
                with transaction.atomic(using=self.db):
                    self._settle_once(ref, stamp)
                return
            except IntegrityError:
                # Another worker has just made one of these names; look again.
                if attempt == MAX_TRIES:
                    raise

    def _settle_once(self, ref: Ref, stamp: Stamp) -> None:
        known = self._lock_known(ref.keys)
        strongest = ref.keys[0]
        owner = known.get(strongest)
        if owner is not None:
            row_id = owner.row_id
        else:
            row_id = self._unclaimed(ref.keys, known) or self._new_row()
        for key in ref.keys:
            identity = known.get(key)
            if identity is None:
                self._claim(key, row_id)
            elif identity.row_id != row_id:
                if self._is_claimed(identity.row_id, strongest[0]):
                    self._repoint(identity, row_id, stamp)
                else:
                    self._merge(loser=identity.row_id, winner=row_id)

    def _lock_known(self, keys: Iterable[Key]) -> Known:
        """
        Return the identities with these names, their rows locked.

        Unlocked, a row without a strongest name could be given two by two workers, which
        would make one customer of two.
        """
        row_ids = {identity.row_id for identity in self._known(keys).values()}
        list(self._lock(row_ids))
        return self._known(keys)

    def _lock(self, row_ids: Iterable[int]) -> QuerySet[Any]:
        rows = self.row_model._base_manager.using(self.db)
        return rows.select_for_update().filter(pk__in=row_ids).order_by("pk")

    def _unclaimed(self, keys: Iterable[Key], known: Known) -> int | None:
        """Return a row that goes by one of the weaker names and has no strongest one yet."""
        strongest = next(iter(keys))
        return next(
            (
                known[key].row_id
                for key in keys
                if key in known and not self._is_claimed(known[key].row_id, strongest[0])
            ),
            None,
        )

    def _is_claimed(self, row_id: int, kind: str) -> bool:
        names = self.model._base_manager.using(self.db).filter(row_id=row_id, kind=kind)
        return names.exists()

    def _new_row(self) -> int:
        row = self.row_model(provider=self.provider)
        row.save(using=self.db, force_insert=True)
        return int(row.pk)

    def _claim(self, key: Key, row_id: int) -> None:
        kind, value = key
        identity = self.model(provider=self.provider, kind=kind, value=value, row_id=row_id)
        identity.save(using=self.db, force_insert=True)

    def _repoint(self, identity: Any, row_id: int, stamp: Stamp) -> None:
        """Let a name pass to another row, unless its present owner was given it later."""
        owner = self.row_model._base_manager.using(self.db).get(pk=identity.row_id)
        register = REGISTERS[identity.kind]
        given = owner.registers.get(register)
        if given is None or given[2] != identity.value or Stamp(given[0], given[1]) < stamp:
            self.model._base_manager.using(self.db).filter(pk=identity.pk).update(row_id=row_id)

    def _merge(self, *, loser: int, winner: int) -> None:
        locked = {row.pk: row for row in self._lock((loser, winner))}
        if len(locked) < 2:
            raise IntegrityError("One of the rows was merged meanwhile.")
        draft: Draft[BillingRow] = Draft(locked[winner])
        draft.absorb(locked[loser])
        derive(draft)
        draft.row.save(using=self.db)
        # Hidden ones too: a project's foreign key without a reverse name is one, and its
        # rows would be deleted with the loser.
        for relation in self.row_model._meta.get_fields(include_hidden=True):
            if relation.auto_created and relation.is_relation and not relation.concrete:
                _move(relation, self.db, loser, winner)
        self.row_model._base_manager.using(self.db).filter(pk=loser).delete()


def _move(relation: Any, db: str, loser: int, winner: int) -> None:
    """Let what points at one row point at another, the project's own models included."""
    name = relation.field.name
    if relation.many_to_many:
        through = relation.through._base_manager.using(db)
        name = relation.field.m2m_reverse_field_name()
        through.filter(**{name: loser}).update(**{name: winner})
    else:
        related = relation.related_model._base_manager.using(db)
        related.filter(**{name: loser}).update(**{name: winner})


def customer_identities(db: str, provider: str) -> Identities[CustomerRef]:
    return Identities(db, provider, CustomerIdentity, Customer)


def plan_identities(db: str, provider: str) -> Identities[PlanRef]:
    return Identities(db, provider, PlanIdentity, Plan)
