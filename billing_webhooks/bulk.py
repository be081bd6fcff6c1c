"""Many rows, each with values of its own, updated by one statement."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any

from django.db import connections, models


def update_each(
    db: str, model: type[models.Model], names: Sequence[str], rows: Iterable[Sequence[Any]]
) -> None:
    """
    Write these fields of rows. Each row is its primary key and the fields' values.

    Django's own `bulk_update` has a CASE for each field of each row: of many rows it takes
    longer to write such a statement than to work the events.
    """
    connection = connections[db]
    fields: list[Any] = [model._meta.pk, *(model._meta.get_field(name) for name in names)]
    values = [
        [
            field.get_db_prep_save(value, connection)
            for field, value in zip(fields, row, strict=True)
        ]
        for row in rows
    ]
    if values:
        statement = _update_joined if connection.vendor == "mysql" else _update_from_values
        sql = statement(connection, model._meta.db_table, fields, len(values))
        with connection.cursor() as cursor:
            cursor.execute(sql, list(chain.from_iterable(values)))


def _update_from_values(connection: Any, table: str, fields: Sequence[Any], rows: int) -> str:
    """Return the statement of PostgreSQL and SQLite, which call columns by their numbers."""
    quote = connection.ops.quote_name
    row = f"({', '.join(['%s'] * len(fields))})"
    key, *values = (_value(connection, field, number) for number, field in enumerate(fields, 1))
    assigned = ", ".join(
        f"{quote(field.column)} = {value}" for field, value in zip(fields[1:], values, strict=True)
    )
    return (
        f"UPDATE {quote(table)} SET {assigned} "  # noqa: S608
        f"FROM (VALUES {', '.join([row] * rows)}) AS v "
        f"WHERE {quote(table)}.{quote(fields[0].column)} = {key}"
    )


def _value(connection: Any, field: Any, number: int) -> str:
    if connection.vendor == "sqlite":
        # It has no types of values, and would make a number of a time.
        return f"v.column{number}"
    # What refers to a key has its type, without what makes new ones.
    kind = field.rel_db_type(connection) if field.primary_key else field.db_type(connection)
    return f"CAST(v.column{number} AS {kind})"


def _update_joined(connection: Any, table: str, fields: Sequence[Any], rows: int) -> str:
    """Return the statement of MySQL and MariaDB."""
    quote = connection.ops.quote_name
    names = [f"v{number}" for number in range(len(fields))]
    first = f"SELECT {', '.join(f'%s AS {name}' for name in names)}"
    other = f" UNION ALL SELECT {', '.join(['%s'] * len(fields))}"
    assigned = ", ".join(
        f"{quote(table)}.{quote(field.column)} = v.{name}"
        for field, name in zip(fields[1:], names[1:], strict=True)
    )
    return (
        f"UPDATE {quote(table)} JOIN ({first}{other * (rows - 1)}) AS v "  # noqa: S608
        f"ON {quote(table)}.{quote(fields[0].column)} = v.v0 SET {assigned}"
    )
