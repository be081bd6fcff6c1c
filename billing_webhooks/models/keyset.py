"""
Reading rows in an order, part by part, each part beginning where the one before it ended.

By the values of a row and not by a count: a part deep down costs what the first does, and
rows that come or go meanwhile move no other. Rows without a value of the first column come
last in each order, and first in its reverse, on every database.
"""

from __future__ import annotations

import binascii
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, TypeAlias

from django.core.exceptions import FieldDoesNotExist, ImproperlyConfigured, ValidationError
from django.db.models import F, Field, Model, OrderBy, Q, QuerySet

# The values of the ordering's columns in one row; None is NULL.
Place: TypeAlias = tuple[Any, ...]

MAX_CURSOR = 8192
NOTHING = Q(pk__in=())


class NoCursor(ValueError):
    """This is no cursor of this order."""


@dataclass(frozen=True)
class Column:
    """A column of an order, by its path from the row."""

    name: str
    field: Field[Any, Any]
    is_nullable: bool = False
    descending: bool = False
    nulls_first: bool = False

    @property
    def key(self) -> str:
        """What `order_by` calls it, where no value is missing."""
        return f"-{self.name}" if self.descending else self.name

    def order(self) -> str | OrderBy:
        """Return what `order_by` takes, where values may be missing."""
        if not self.is_nullable:
            return self.key
        nulls = {"nulls_first": True} if self.nulls_first else {"nulls_last": True}
        return OrderBy(F(self.name), descending=self.descending, **nulls)

    def reversed(self) -> Column:
        return replace(self, descending=not self.descending, nulls_first=not self.nulls_first)

    def is_null(self, answer: bool) -> Q:
        return Q((f"{self.name}__isnull", answer))

    def value_in(self, row: Any) -> Any:
        value = row
        for part in self.name.split("__"):
            value = getattr(value, part, None)
        return value

    def text_of(self, value: Any) -> str | None:
        if isinstance(value, datetime):
            return value.astimezone(UTC).isoformat()
        return None if value is None else str(value)

    def value_of(self, text: Any) -> Any:
        """Return a value from a cursor, which anybody may have written; raise NoCursor."""
        if text is None and self.is_nullable:
            return None
        if not isinstance(text, str) or "\0" in text:
            raise NoCursor(self.name)
        try:
            text.encode()
            value = self.field.to_python(text)
            if isinstance(value, datetime):
                value = _aware(value)
        except (ValidationError, ValueError, OverflowError) as error:
            raise NoCursor(self.name) from error
        if value is None:
            raise NoCursor(self.name)
        return value


def _aware(value: datetime) -> datetime:
    if value.tzinfo is None:
        raise NoCursor("A time without a zone.")
    return value.astimezone(UTC)


class Keyset:
    """An order of a model's rows that tells any two apart: the primary key is added to it."""

    def __init__(self, model: type[Model], ordering: Sequence[Any]) -> None:
        self.columns = tuple(_columns(model, ordering))

    def order_by(self) -> list[str | OrderBy]:
        """Return the order as `order_by` takes it."""
        return [column.order() for column in self.columns]

    def reversed(self) -> Keyset:
        turned = object.__new__(Keyset)
        turned.columns = tuple(column.reversed() for column in self.columns)
        return turned

    @property
    def names(self) -> list[str]:
        """The paths of the columns."""
        return [column.name for column in self.columns]

    def place_in(self, row: Mapping[str, Any]) -> Place:
        """Return the place of a row as `values` returns it, with all of `names`."""
        return tuple(row[name] for name in self.names)

    def cursor(self, row: Any) -> str:
        """Return the place of a row as text that a URL can hold."""
        values = [column.text_of(column.value_in(row)) for column in self.columns]
        text = json.dumps(values, separators=(",", ":"), ensure_ascii=False)
        return urlsafe_b64encode(text.encode()).decode().rstrip("=")

    def place(self, cursor: str) -> Place:
        """Return the place that a cursor names; raise NoCursor."""
        if len(cursor) > MAX_CURSOR or not cursor.isascii():
            raise NoCursor("Too long, or not of this kind.")
        try:
            values = json.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        except (binascii.Error, ValueError, RecursionError) as error:
            raise NoCursor("Not of this kind.") from error
        if not isinstance(values, list) or len(values) != len(self.columns):
            raise NoCursor("Of another order.")
        return tuple(
            column.value_of(text) for column, text in zip(self.columns, values, strict=True)
        )

    def read(self, rows: QuerySet[Any], limit: int, after: Place | None = None) -> list[Any]:
        """Return the first rows of this order, at most `limit`, or the first after a place."""
        found: list[Any] = []
        for part in self._parts(rows, after):
            if len(found) < limit:
                found += part[: limit - len(found)]
        return found

    def _parts(self, rows: QuerySet[Any], after: Place | None) -> Iterator[QuerySet[Any]]:
        """Yield the rows with a value of the first column, and those without: a range each."""
        first, *rest = self.columns
        if not first.is_nullable:
            yield _from(rows, self.columns, after)
            return
        order = [False, True] if first.nulls_first else [True, False]
        start = 0 if after is None else order.index(after[0] is not None)
        for place, is_filled in enumerate(order[start:]):
            here = None if place else after
            some = rows.filter(first.is_null(not is_filled))
            if is_filled:
                yield _from(some, (replace(first, is_nullable=False), *rest), here)
            else:
                yield _from(some, rest, here and here[1:])


def _from(rows: QuerySet[Any], columns: Sequence[Column], after: Place | None) -> QuerySet[Any]:
    if after is not None:
        rows = rows.filter(_beyond(columns, after))
    return rows.order_by(*(column.order() for column in columns))


def _beyond(columns: Sequence[Column], after: Place) -> Q:
    """
    Return the condition of what comes after a place.

    Where no value is missing it is `a >= x AND (a > x OR …)`: of one with OR alone,
    databases would not see that an index has it as one range.
    """
    column, *rest = columns
    value, *values = after
    further = _beyond(rest, tuple(values)) if rest else NOTHING
    if value is None:
        same = column.is_null(True) & further
        return same | column.is_null(False) if column.nulls_first else same
    lookup = f"{column.name}__{'lt' if column.descending else 'gt'}"
    beyond = Q((lookup, value))
    if rest:
        beyond = Q((f"{lookup}e", value)) & (beyond | further)
    if column.is_nullable and not column.nulls_first:
        beyond |= column.is_null(True)
    return beyond


def _columns(model: type[Model], ordering: Sequence[Any]) -> Iterator[Column]:
    descending = False
    for part in ordering:
        name, descending = _name_and_direction(part)
        column = replace(_column(model, name), descending=descending)
        yield column
        if column.field.unique and not column.is_nullable and column.field.model is model:
            return
    yield replace(_column(model, "pk"), descending=descending)


def _name_and_direction(part: Any) -> tuple[str, bool]:
    of_column = getattr(part, "expression", part)
    if isinstance(of_column, F):
        return vars(of_column)["name"], bool(getattr(part, "descending", False))
    if isinstance(part, str):
        return part.removeprefix("-"), part.startswith("-")
    raise ImproperlyConfigured(f"A list can be ordered by columns only, not by {part!r}.")


def _column(model: type[Model], path: str) -> Column:
    """Return the column at the end of a path; of a relation, its key."""
    names, is_nullable = [], False
    field: Any = None
    at: Any = model
    for name in path.split("__"):
        try:
            field = at._meta.pk if name == "pk" else at._meta.get_field(name)
        except FieldDoesNotExist as error:
            raise ImproperlyConfigured(f"{model.__name__} has no column {path!r}.") from error
        if not isinstance(field, Field):
            raise ImproperlyConfigured(f"{path!r} of {model.__name__} is no column.")
        is_nullable = is_nullable or field.null
        names.append(field.name)
        at = field.related_model or at
    names[-1] = field.attname
    return Column("__".join(names), getattr(field, "target_field", field), is_nullable)
