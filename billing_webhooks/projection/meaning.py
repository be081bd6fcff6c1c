"""What the names in events mean: rows, and the weaker names that belong to stronger ones."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from billing_webhooks.facts import CustomerRef, Key, PlanRef
from billing_webhooks.projection.registers import OWNER, Draft, Stamp, name_of

Ref = TypeVar("Ref", CustomerRef, PlanRef)


@dataclass(frozen=True)
class Meant:
    """
    The row that a ref means, and the weaker names of the ref that belong to it.

    `elsewhere` are weaker names that belong to other rows, by their keys. `earlier` are
    the rows from and to which names have passed, and their subscriptions, as they were.
    """

    pk: int
    owned: tuple[Key, ...]
    elsewhere: Mapping[Key, int] = field(default_factory=dict)
    earlier: tuple[Draft[Any], ...] = ()


@dataclass(frozen=True)
class Resolution:
    """The rows that the refs of events mean."""

    customers: Mapping[CustomerRef, Meant]
    plans: Mapping[PlanRef, Meant]


def meant_by(
    ref: CustomerRef | PlanRef, owners: Mapping[Key, int], earlier: Sequence[Draft[Any]] = ()
) -> Meant:
    """Return what a ref means, given whose each of its names is."""
    strongest, *weaker = ref.keys
    pk = owners[strongest]
    return Meant(
        pk,
        owned=tuple(key for key in weaker if owners[key] == pk),
        elsewhere={key: owners[key] for key in weaker if owners[key] != pk},
        earlier=tuple(earlier),
    )


def meanings(refs: Iterable[Ref], owners: Mapping[Key, int]) -> dict[Ref, Meant]:
    """Return what each of these refs means, given whose each name is."""
    return {ref: meant_by(ref, owners) for ref in dict.fromkeys(refs)}


def claim(row: Any, key: Key, owner: Key, stamp: Stamp) -> bool:
    """Note on a row that one of its names belongs to a stronger one; return whether it is news."""
    register = owner_register(row, key)
    if register is not None and Stamp(register[0], register[1]) >= stamp:
        return False
    own = row.registers.setdefault(name_of(key), {})
    own[OWNER] = [stamp.at, stamp.by, list(owner)]
    return True


def owner_register(row: Any, key: Key) -> Any:
    """Return the register that says to which stronger name this one belongs, None if to none."""
    return row.registers.get(name_of(key), {}).get(OWNER)
