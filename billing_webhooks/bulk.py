"""
Many rows, each with values of its own, read and written by one statement.

Django's `bulk_update` has a CASE for each field of each row: of many rows it takes longer
to make such a statement than to work the events. PostgreSQL gets all values in one
parameter, because each costs as much as a small statement does, and answers several
queries at once.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import connections, models
from django.db.models import QuerySet

from billing_webhooks.models.fields import ExactEncoder


def select_each(db: str, queries: Sequence[QuerySet[Any]]) -> Iterator[Any]:
    """Yield the rows of all these queries, with their annotations, in their order."""
    connection = connections[db]
    if connection.vendor != "postgresql" or len(queries) < 2:
        for query in queries:
            yield from query
        return
    parts, parameters = [], []
    for number, query in enumerate(queries):
        sql, its_own = query.query.get_compiler(db).as_sql()
        parts.append(f"SELECT {number}, row_to_json(q)::text FROM ({sql}) AS q")  # noqa: S608
        parameters += its_own
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(parts), parameters)
        found = cursor.fetchall()
    for number, text in found:
        yield _row(db, queries[number], json.loads(text, parse_float=Decimal))


def _row(db: str, query: QuerySet[Any], values: dict[str, Any]) -> Any:
    fields = query.model._meta.concrete_fields
    row = query.model.from_db(
        db,
        [field.attname for field in fields],
        [_read(field, values[field.column]) for field in fields],
    )
    for name in query.query.annotations:
        setattr(row, name, values[name])
    return row


def _read(field: Any, value: Any) -> Any:
    if value is None or isinstance(field, models.JSONField):
        return value
    if isinstance(field, models.DateTimeField):
        return datetime.fromisoformat(value)
    return Decimal(value) if isinstance(field, models.DecimalField) else value


def update_each(
    db: str, model: type[models.Model], names: Sequence[str], rows: Sequence[Sequence[Any]]
) -> None:
    """Write these fields of rows. Each row is its primary key and the fields' values."""
    connection = connections[db]
    fields: list[Any] = [model._meta.pk, *(model._meta.get_field(name) for name in names)]
    if not rows:
        return
    if connection.vendor == "postgresql":
        sql, parameters = _update_from_json(connection, model._meta.db_table, fields, rows)
    else:
        statement = _update_joined if connection.vendor == "mysql" else _update_from_values
        sql = statement(connection, model._meta.db_table, fields, len(rows))
        parameters = [
            field.get_db_prep_save(value, connection)
            for row in rows
            for field, value in zip(fields, row, strict=True)
        ]
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)


def insert_each(db: str, rows: Sequence[Any]) -> None:
    """Insert new rows of one model and let them know their primary keys."""
    connection = connections[db]
    if not rows:
        return
    if connection.vendor == "postgresql":
        _insert_from_json(connection, rows)
    elif connection.features.can_return_rows_from_bulk_insert:
        type(rows[0])._base_manager.using(db).bulk_create(rows)
    else:
        # MySQL tells the primary key of one row at a time.
        for row in rows:
            row.save(using=db, force_insert=True)


def _insert_from_json(connection: Any, rows: Sequence[Any]) -> None:
    quote = connection.ops.quote_name
    meta = rows[0]._meta
    fields = [field for field in meta.concrete_fields if not field.primary_key]
    values = [[field.pre_save(row, add=True) for field in fields] for row in rows]
    columns = ", ".join(quote(field.column) for field in fields)
    sql = (
        f"INSERT INTO {quote(meta.db_table)} ({columns}) "  # noqa: S608
        f"SELECT {columns} FROM {_recordset(connection, fields)} "
        f"RETURNING {quote(meta.pk.column)}"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, [_json(fields, values)])
        keys = cursor.fetchall()
    for row, (key,) in zip(rows, keys, strict=True):
        row.pk = key
        row._state.adding, row._state.db = False, connection.alias


def _update_from_json(
    connection: Any, table: str, fields: Sequence[Any], rows: Sequence[Sequence[Any]]
) -> tuple[str, list[Any]]:
    quote = connection.ops.quote_name
    key, *columns = (quote(field.column) for field in fields)
    assigned = ", ".join(f"{column} = v.{column}" for column in columns)
    sql = (
        f"UPDATE {quote(table)} SET {assigned} "  # noqa: S608
        f"FROM {_recordset(connection, fields)} WHERE {quote(table)}.{key} = v.{key}"
    )
    return sql, [_json(fields, rows)]


def _recordset(connection: Any, fields: Sequence[Any]) -> str:
    quote = connection.ops.quote_name
    columns = ", ".join(f"{quote(field.column)} {_type(connection, field)}" for field in fields)
    return f"json_to_recordset(%s::json) AS v ({columns})"


def _type(connection: Any, field: Any) -> str:
    if isinstance(field, models.CharField):
        # Too long a text is an error where it is stored, and would be cut here.
        return "text"
    # What refers to a key has its type, without what makes new ones.
    return str(field.rel_db_type(connection) if field.primary_key else field.db_type(connection))


def _json(fields: Sequence[Any], rows: Sequence[Sequence[Any]]) -> str:
    columns = [field.column for field in fields]
    records = [dict(zip(columns, row, strict=True)) for row in rows]
    return json.dumps(records, cls=ExactEncoder)


def _update_from_values(connection: Any, table: str, fields: Sequence[Any], rows: int) -> str:
    """Return the statement of SQLite, which calls columns by their numbers."""
    quote = connection.ops.quote_name
    values = ", ".join([f"({', '.join(['%s'] * len(fields))})"] * rows)
    assigned = ", ".join(
        f"{quote(field.column)} = v.column{number}" for number, field in enumerate(fields[1:], 2)
    )
    return (
        f"UPDATE {quote(table)} SET {assigned} FROM (VALUES {values}) AS v "  # noqa: S608
        f"WHERE {quote(table)}.{quote(fields[0].column)} = v.column1"
    )


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
