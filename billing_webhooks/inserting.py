"""
One row's INSERT, compiled once and then only filled in.

To compile it anew takes the ORM longer than it takes a database to commit the row. What
the compiler makes of a row's model is kept, and values are converted by the row's fields,
so that the statement is the one that `save(force_insert=True)` would run. What a field has
by default stands in its text: half of a new row's values need not be sent again and again.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, TypeAlias

from django.db import connections, models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.expressions import RawSQL
from django.db.models.sql import InsertQuery

from billing_webhooks.compiled import once

# What needs no quoting anywhere: words, and empty JSON.
_PLAIN = re.compile(r"[\w\[\]{}]*", re.ASCII)

# What the text of a statement depends on: the names of the fields that have what they have by
# default, and of those with expressions.
Names: TypeAlias = tuple[str, ...]


@dataclass(frozen=True)
class Statement:
    """An INSERT, and the fields whose values it takes."""

    sql: str
    fields: tuple[models.Field[Any, Any], ...]


def insert(db: str, row: models.Model) -> None:
    """
    Insert a row as `save(force_insert=True)` does, without Django's signals.

    A value may be an expression that takes no parameters, such as the database's time.
    None may be left to its field's `pre_save`, as that of `auto_now` is.
    """
    connection: Any = connections[db]
    statement = _statement(connection, row)
    if statement is None:
        row.save(using=db, force_insert=True)
        return
    values = vars(row)
    prepared = [_prepared(field, values[field.attname], connection) for field in statement.fields]
    with connection.cursor() as cursor:
        cursor.execute(statement.sql, prepared)


def _statement(connection: Any, row: models.Model) -> Statement | None:
    usual, expressions = _names(row)
    # The text of an expression may depend on the time zone, as that of the database's time does.
    key = _compiled, type(row), connection.timezone_name, usual, expressions
    return once(connection, key, partial(_compiled, connection, row, usual, expressions))


def _names(row: models.Model) -> tuple[Names, Names]:
    """Return the fields that have what they have by default, and those with expressions."""
    values, usual, expressions = vars(row), [], []
    for name, default in _defaults(type(row)).items():
        value = values[name]
        if value == default:
            usual.append(name)
        elif hasattr(value, "as_sql"):
            expressions.append(name)
    return tuple(usual), tuple(expressions)


@cache
def _defaults(model: type[models.Model]) -> Mapping[str, Any]:
    """Return what each field has by default; a fresh id, say, is nobody else's."""
    return {field.attname: field.get_default() for field in model._meta.concrete_fields}


def _prepared(field: models.Field[Any, Any], value: Any, connection: Any) -> Any:
    # NULL is the same to every field, and text to those of text; some take long to find out.
    if value is None or (type(value) is str and isinstance(field, models.CharField)):
        return value
    return field.get_db_prep_save(value, connection)


def _compiled(
    connection: BaseDatabaseWrapper, row: models.Model, usual: Names, expressions: Names
) -> Statement | None:
    """Return the statement, None if an expression takes parameters, or a value several."""
    every = row._meta.concrete_fields
    written = {
        field.attname: _literal(_prepared(field, vars(row)[field.attname], connection))
        for field in every
        if field.attname in usual
    }
    literals = {name: literal for name, literal in written.items() if literal is not None}
    query = InsertQuery(type(row))
    query.insert_values(every, [_with(row, literals)])
    [(sql, parameters)] = query.get_compiler(connection=connection).as_sql()
    fields = tuple(field for field in every if field.attname not in {*expressions, *literals})
    return Statement(sql, fields) if len(parameters) == len(fields) else None


def _literal(prepared: Any) -> str | None:
    """Return a value as every database writes it, None for what is its driver's to write."""
    if prepared is None:
        return "NULL"
    if isinstance(prepared, int) and not isinstance(prepared, bool):
        # Some drivers have integers of their own, which are told by what they are called.
        return str(int(prepared))
    if isinstance(prepared, str) and _PLAIN.fullmatch(prepared):
        return f"'{prepared!s}'"
    return None


def _with(row: models.Model, literals: Mapping[str, str]) -> models.Model:
    changed = copy(row)
    for name, literal in literals.items():
        # It was found to need no quoting.
        setattr(changed, name, RawSQL(literal, ()))  # noqa: S611
    return changed
