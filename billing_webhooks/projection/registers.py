"""
Last-writer-wins registers: the reason why the order of arrival does not matter.

A register is `[at, by, value]`: when the event that wrote it occurred, that event's
place among events of the same moment, and what it said. Text compares as time does. What
is only mentioned in passing has no time, and gives way to everything that has.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Generic, NamedTuple

from billing_webhooks.facts import Key
from billing_webhooks.models import Customer, Plan
from billing_webhooks.models.entries import Entry
from billing_webhooks.projection.columns import (
    Row,
    all_names_of,
    defaults_of,
    names_of,
    values_of,
    written_fields,
)

OWNER = "owner"
_NOTHING_SAID = frozenset({OWNER})


class Stamp(NamedTuple):
    """When an event occurred, as sortable UTC text, and its `sequence`."""

    at: str
    by: str

    @classmethod
    def of(cls, occurred_at: datetime, sequence: str) -> Stamp:
        at = occurred_at.astimezone(UTC).isoformat(timespec="microseconds")
        return cls(at.replace("+00:00", "Z"), sequence)

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
        self._loaded = () if self.is_dirty else values_of(row)
        self.begin()

    @property
    def called(self) -> Key | None:
        """The (kind, value) pair by which the event calls the row."""
        row: Any = self.row
        if isinstance(row, Entry):
            kind, _, value = row.identity.partition(":")
            return kind, value
        return "id", row.external_id

    def needs_writing(self) -> bool:
        """
        Return whether the row is other than it was loaded.

        Its registers alone do not tell: a column may have been changed by hand.
        """
        return self.is_dirty or self.has_other_columns()

    def has_other_columns(self) -> bool:
        """Return whether more of the row than its registers is other than it was loaded."""
        return values_of(self.row) != self._loaded

    def begin(self) -> None:
        """Take the row as it is now for what it was before the event that follows."""
        self.was_new = self._is_blank()
        self.before = defaults_of(type(self.row)) if self.was_new else values_of(self.row)
        self.superseded = False
        self.says_plan_changed = False

    def recall(self, earlier: Draft[Row]) -> None:
        """Take the row as it was in an earlier draft for what it was before the event."""
        self.was_new, self.before = earlier.was_new, earlier.before

    def earlier(self, name: str) -> Any:
        """Return what a column was at `begin`, its default on a new row."""
        return self.before[names_of(type(self.row)).index(name)]

    def changes(self) -> dict[str, list[Any]]:
        """Return field → [old, new] since `begin`; on a new row, what is not as by default."""
        values = values_of(self.row)
        if values == self.before:
            return {}
        each = zip(names_of(type(self.row)), self.before, values, strict=True)
        return {
            name: [None if self.was_new else old, value]
            for name, old, value in each
            if old != value
        }

    def write(self, name: str, value: Any, stamp: Stamp, *, earliest: bool = False) -> bool:
        """
        Write a register, and the column of its name if there is one.

        Return whether it stands. None writes nothing. Older news than the register's is
        passed over; with `earliest`, newer news is instead.
        """
        if value is None:
            return False
        encoded = _encode(value)
        known = self.own().get(name)
        if known is not None:
            stands = (known[0], known[1])
            if (stamp > stands) if earliest else (stamp < stands):
                self.superseded |= known[2] != encoded and not earliest
                return False
        return self._set(name, value, [*stamp, encoded])

    def mention(self, name: str, value: Any, stamp: Stamp) -> bool:
        """
        Write what an event only mentions in passing: the earliest mention stands until
        an event that is about it says so. Return whether it stands.

        So a plan's row is not rewritten by every payment that names the plan.
        """
        if value is None:
            return False
        known = self.own().get(name)
        if known is not None and (known[0] or stamp.by >= known[1]):
            return False
        return self._set(name, value, ["", stamp.by, _encode(value)])

    def link(
        self, name: str, target: Any, key: Key, stamp: Stamp, *, is_mention: bool = False
    ) -> None:
        """Write a foreign key: the register holds the name by which the event gave it."""
        write = self.mention if is_mention else self.write
        if write(f"{name}_key", list(key), stamp):
            # The one of that name may have been deleted since, and made anew.
            self.is_dirty |= target.pk is None or getattr(self.row, f"{name}_id") != target.pk
            # Django asks its routers each time.
            if self.row._state.fields_cache.get(name) is not target:
                setattr(self.row, name, target)

    def own(self) -> dict[str, list[Any]]:
        """Return the registers in which is written."""
        registers: dict[str, list[Any]] = self.row.registers
        return registers

    def register(self, name: str) -> list[Any] | None:
        """Return the register as it stands, `[at, by, value]`."""
        register: list[Any] | None = self.row.registers.get(name)
        return register

    def standing(self) -> dict[str, list[Any]]:
        """Return every register as it stands, by name."""
        return dict(self.row.registers)

    def value(self, name: str) -> Any:
        register = self.register(name)
        return None if register is None else register[2]

    def stamp(self, name: str) -> Stamp | None:
        register = self.register(name)
        return None if register is None else Stamp(register[0], register[1])

    def _is_blank(self) -> bool:
        """Return whether no event has said anything of the row yet."""
        return not self.row.registers

    def _set(self, name: str, value: Any, register: list[Any]) -> bool:
        own = self.own()
        if own.get(name) != register:
            own[name] = register
            self.is_dirty = True
        standing = self.register(name)
        if standing is not register and standing != register:
            self.superseded |= standing is not None and standing[2] != register[2]
            return False
        if name in all_names_of(type(self.row)):
            setattr(self.row, name, value)
        return True


class NamedDraft(Draft[Row]):
    """
    A draft of a row that goes by several names, such as a customer's id and its
    organisation's code.

    Each name has registers of its own, what events that gave this name as their strongest
    have said, and what stands is the newest of all. So a name can pass to another row
    with everything that was said of it. The register OWNER of a weaker name holds the
    stronger one to which it belongs.
    """

    key: Key | None = None
    _own: dict[str, list[Any]] | None = None

    @property
    def called(self) -> Key | None:
        return self.key

    def speak_of(self, key: Key) -> None:
        """Let what is written from now on be said of the row under this name."""
        if key != self.key:
            self.key, self._own = key, None

    def recall(self, earlier: Draft[Row]) -> None:
        super().recall(earlier)
        if self.key is None and earlier.called is not None:
            self.speak_of(earlier.called)

    def register(self, name: str) -> list[Any] | None:
        found: list[Any] | None = None
        for own in self.row.registers.values():
            if name in own and (found is None or _outranks(own[name], found)):
                found = own[name]
        return found

    def standing(self) -> dict[str, list[Any]]:
        names = {name for own in self.row.registers.values() for name in own} - {OWNER}
        return {name: register for name in names if (register := self.register(name))}

    def recompute(self) -> None:
        """Bring the plain columns in line with the registers; foreign keys stay as they are."""
        for field in written_fields(type(self.row)):
            if not field.is_relation:
                value = self.value(field.name)
                setattr(
                    self.row,
                    field.name,
                    field.get_default() if value is None else field.to_python(value),
                )

    def merge(self, other: NamedDraft[Row]) -> None:
        """Write what another draft of the row says, under its names that are the row's too."""
        for name, registers in other.row.registers.items():
            own = self.row.registers.get(name)
            for each, register in registers.items() if own is not None else ():
                known = own.get(each)
                if known is None or _outranks(register, known):
                    own[each] = list(register)
                    self.is_dirty = True
        self.recompute()

    def own(self) -> dict[str, list[Any]]:
        if self._own is None:
            self._own = self.row.registers.setdefault(name_of(self.key), {})
        return self._own

    def _is_blank(self) -> bool:
        return all(own.keys() <= _NOTHING_SAID for own in self.row.registers.values())


def _outranks(register: Sequence[Any], known: Sequence[Any]) -> bool:
    """Return whether a register stands; of two mentions, which have no time, the earlier one."""
    if register[0] or known[0]:
        return (register[0], register[1]) > (known[0], known[1])
    return str(register[1]) < str(known[1])


def draft_of(row: Row) -> Draft[Row]:
    """Return a draft of a row, one with names where the row has some."""
    return NamedDraft(row) if isinstance(row, Customer | Plan) else Draft(row)


def name_of(key: Key | None) -> str:
    """Return a name as the registers hold it, such as "id:customer_1"."""
    return ":".join(key) if key else ""


def _encode(value: Any) -> Any:
    """Return a value as JSON holds it."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, Decimal):
        return str(value)
    return value
