"""
Last-writer-wins registers: the reason why the order of arrival does not matter.

A register is `[at, by, value]`: when the event that wrote it occurred, that event's
place among events of the same moment, and what it said. Text compares as time does.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Generic, TypeVar

from django.core.exceptions import FieldDoesNotExist

from billing_webhooks.models.billing import BillingRow

Row = TypeVar("Row", bound=BillingRow)


@dataclass(frozen=True, order=True)
class Stamp:
    """When an event occurred, as sortable UTC text, and its `sequence`."""

    at: str
    by: str

    @classmethod
    def of(cls, occurred_at: datetime, sequence: str) -> Stamp:
        return cls(occurred_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"), sequence)

    @property
    def moment(self) -> datetime:
        return datetime.fromisoformat(self.at)


class Draft(Generic[Row]):
    """
    A row on which facts are written in memory.

    `superseded` tells whether, since `begin`, something was not written because newer
    news had already arrived.
    """

    def __init__(self, row: Row) -> None:
        self.row = row
        self.is_dirty = row.pk is None
        self.begin()

    def begin(self) -> None:
        """Take the row as it is now for what it was before the event that follows."""
        self.was_new = not self.row.registers
        self.before = {} if self.was_new else self.columns()
        self.superseded = False
        self.says_plan_changed = False

    def columns(self) -> dict[str, Any]:
        """Return the columns that events write, by field name; a foreign key as its pk."""
        return {
            field.name: getattr(self.row, field.attname)
            for field in self.row._meta.concrete_fields
            if field.name not in NOT_COMPARED
        }

    def changes(self) -> dict[str, tuple[Any, Any]]:
        """Return field → (old, new) since `begin`; on a new row, what is not as by default."""
        before = self.before
        if self.was_new:
            before = {
                name: self.row._meta.get_field(name).get_default()  # type: ignore[union-attr]
                for name in self.columns()
            }
        return {
            name: (self.before.get(name), value)
            for name, value in self.columns().items()
            if before[name] != value
        }

    def write(self, name: str, value: Any, stamp: Stamp, *, earliest: bool = False) -> bool:
        """
        Write a register, and the column of its name if there is one, and return True.

        None writes nothing. Older news than the register's is passed over; with
        `earliest`, newer news is instead.
        """
        if value is None:
            return False
        encoded = _encode(value)
        known = self.row.registers.get(name)
        if known is not None:
            stands = Stamp(known[0], known[1])
            if (stamp > stands) if earliest else (stamp < stands):
                self.superseded |= known[2] != encoded and not earliest
                return False
        self._set(name, value, [stamp.at, stamp.by, encoded])
        return True

    def mention(self, name: str, value: Any, stamp: Stamp) -> None:
        """
        Write what an event only mentions in passing: the earliest mention stands until
        an event that is about it says so.

        So a plan's row is not rewritten by every payment that names the plan.
        """
        if value is None:
            return
        known = self.row.registers.get(name)
        if known is None or (known[0] == "" and stamp.by < known[1]):
            self._set(name, value, ["", stamp.by, _encode(value)])

    def link(self, name: str, target: Any, key: tuple[str, str], stamp: Stamp) -> None:
        """Write a foreign key: the register holds the name by which the event gave it."""
        if self.write(f"{name}_key", list(key), stamp):
            setattr(self.row, name, target)

    def value(self, name: str) -> Any:
        register = self.row.registers.get(name)
        return None if register is None else register[2]

    def stamp(self, name: str) -> Stamp | None:
        register = self.row.registers.get(name)
        return None if register is None else Stamp(register[0], register[1])

    def absorb(self, other: Row) -> None:
        """Take over what another row of the same thing knows better."""
        for name, register in other.registers.items():
            known = self.row.registers.get(name)
            if known is not None and _outranks(known, register, earliest=name in EARLIEST):
                continue
            self.row.registers[name] = register
            column = name.removesuffix("_key")
            if _has_column(self.row, column):
                attname = self.row._meta.get_field(column).attname  # type: ignore[union-attr]
                setattr(self.row, attname, getattr(other, attname))
        self.is_dirty = True

    def _set(self, name: str, value: Any, register: list[Any]) -> None:
        if self.row.registers.get(name) != register:
            self.row.registers[name] = register
            self.is_dirty = True
        if _has_column(self.row, name):
            setattr(self.row, name, value)


# Columns that no event writes.
NOT_COMPARED = frozenset(
    {"id", "provider", "registers", "created_at", "updated_at", "identity", "user", "subscription"}
)

# Registers in which the earliest writer wins.
EARLIEST = frozenset({"started_at", "trial_started_at"})


def _outranks(known: list[Any], other: list[Any], *, earliest: bool) -> bool:
    if known[0] == other[0] == "" or earliest:
        return bool(known[:2] <= other[:2])
    return bool(known[:2] >= other[:2])


def _has_column(row: BillingRow, name: str) -> bool:
    try:
        return bool(row._meta.get_field(name).concrete)
    except FieldDoesNotExist:
        return False


def _encode(value: Any) -> Any:
    """Return a value as JSON holds it."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, Decimal):
        return str(value)
    return value
