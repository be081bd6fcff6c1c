"""
One row's INSERT, compiled once and then only filled in.

To compile it anew takes the ORM longer than it takes a database to commit the row. What
the compiler makes of a row's model is kept, and values are converted by the row's fields,
so that the statement is the one that `save(force_insert=True)` would run.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

from django.db import connections, models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.sql import InsertQuery

# What the text of a statement depends on: the expressions among the values, too.
Key: TypeAlias = tuple[type[models.Model], str, str | None, tuple[str, ...]]


@dataclass(frozen=True)
class Statement:
    """An INSERT, and the fields whose values it takes."""

    sql: str
    fields: tuple[models.Field[Any, Any], ...]


_statements: dict[Key, Statement | None] = {}


def insert(db: str, row: models.Model) -> None:
    """
    Insert a row as `save(force_insert=True)` does, without Django's signals.

    A value may be an expression that takes no parameters, such as the database's time.
    """
    connection: Any = connections[db]
    expressions = tuple(name for name, value in vars(row).items() if hasattr(value, "as_sql"))
    key = type(row), connection.settings_dict["ENGINE"], connection.timezone_name, expressions
    if key not in _statements:
        _statements[key] = _statement(connection, row, expressions)
    statement = _statements[key]
    if statement is None:
        row.save(using=db, force_insert=True)
        return
    values = [_prepared(field, row, connection) for field in statement.fields]
    with connection.cursor() as cursor:
        cursor.execute(statement.sql, values)


def _prepared(field: models.Field[Any, Any], row: models.Model, connection: Any) -> Any:
    value = field.pre_save(row, add=True)
    # NULL is the same to every field, and some take long to find out.
    return None if value is None else field.get_db_prep_save(value, connection)


def _statement(
    connection: BaseDatabaseWrapper, row: models.Model, expressions: tuple[str, ...]
) -> Statement | None:
    """Return the statement, None if an expression takes parameters, or a value several."""
    every = row._meta.concrete_fields
    query = InsertQuery(type(row))
    query.insert_values(every, [row])
    [(sql, parameters)] = query.get_compiler(connection=connection).as_sql()
    fields = tuple(field for field in every if field.attname not in expressions)
    return Statement(sql, fields) if len(parameters) == len(fields) else None
