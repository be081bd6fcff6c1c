"""
Queries that are compiled once and then only filled in, where the database is PostgreSQL.

To compile a query takes the ORM longer than it takes PostgreSQL to answer it. So one that
recurs is told by the function that makes it, and is made once, with slots for its values.
Nothing is kept on the server. Other databases get each query made with its values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Expression, F, QuerySet
from django.db.models.lookups import In

T = TypeVar("T")

_kept: dict[Any, Any] = {}


def once(connection: BaseDatabaseWrapper, key: tuple[Any, ...], make: Callable[[], T]) -> T:
    """Return what `make` returned when it was first called for a database of this kind."""
    full = connection.settings_dict["ENGINE"], *key
    if full not in _kept:
        _kept[full] = make()
    result: T = _kept[full]
    return result


class Slot(Expression):
    """Where a value is filled in."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name

    def as_sql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return "%s", (self,)


class AnyOf(In):
    """`IN`, but on PostgreSQL with all values in one parameter: any number has one text."""

    def as_postgresql(self, compiler: Any, connection: Any) -> Any:
        left, parameters = self.process_lhs(compiler, connection)
        return f"{left} = ANY(%s)", (*parameters, self.rhs)


def any_of(name: str, values: Iterable[Any]) -> Any:
    """Return the condition that a field has one of these values, which may be a slot."""
    return AnyOf(F(name), values)


@dataclass(frozen=True)
class Recurring:
    """
    A query that recurs: what makes it from a database's alias, `fixed` and the values.

    `fixed` is all that its text depends on, beside the kind of database.
    """

    make: Callable[..., QuerySet[Any, Any]]
    fixed: tuple[Any, ...] = ()
    values: Mapping[str, Any] = field(default_factory=dict)

    def query(self, db: str) -> QuerySet[Any, Any]:
        return self.make(db, *self.fixed, **self.values)

    def model_and_annotations(self, db: str) -> tuple[Any, list[str]]:
        """Return the model of the rows, and what they have beside its fields."""
        made = self._compiled(db)[0]
        return made.model, list(made.query.annotations)

    def filled(self, db: str) -> tuple[str, list[Any]]:
        """Return the text for PostgreSQL and its parameters."""
        _, sql, parameters = self._compiled(db)
        return sql, [
            self.values[each.name] if isinstance(each, Slot) else each for each in parameters
        ]

    def _compiled(self, db: str) -> tuple[QuerySet[Any, Any], str, tuple[Any, ...]]:
        def make() -> tuple[QuerySet[Any, Any], str, tuple[Any, ...]]:
            made = self.make(db, *self.fixed, **{name: Slot(name) for name in self.values})
            sql, parameters = made.query.get_compiler(db).as_sql()
            return made, sql, tuple(parameters)

        return once(connections[db], (self.make, self.fixed), make)


def rows(db: str, recurring: Recurring) -> Iterable[Any]:
    """Return the rows of a query, as the ORM would."""
    if connections[db].vendor != "postgresql":
        return recurring.query(db)
    model, _ = recurring.model_and_annotations(db)
    return model._base_manager.using(db).raw(*recurring.filled(db))  # type: ignore[no-any-return]


def values(db: str, recurring: Recurring) -> list[tuple[Any, ...]]:
    """Return the rows of a `values_list`, whose columns need no conversion on PostgreSQL."""
    if connections[db].vendor != "postgresql":
        return list(recurring.query(db))
    with connections[db].cursor() as cursor:
        cursor.execute(*recurring.filled(db))
        found: list[tuple[Any, ...]] = cursor.fetchall()
        return found
