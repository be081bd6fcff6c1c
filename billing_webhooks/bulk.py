"""
Many rows, each with values of its own, read and written by one statement.

Django's `bulk_update` has a CASE for each field of each row: of many rows it takes longer
to make such a statement than to work the events. PostgreSQL gets all values in one
parameter, because each costs as much as a small statement does, and answers several
queries at once.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from functools import cache, partial
from itertools import chain
from operator import itemgetter
from typing import Any, NamedTuple

from django.db import connections, models

from billing_webhooks.compiled import Recurring, once, rows
from billing_webhooks.models.fields import ExactEncoder

# What is something else in JSON.
CONVERTED: Mapping[type[models.Field[Any, Any]], Callable[[Any], Any]] = {
    models.DateTimeField: datetime.fromisoformat,
    models.DecimalField: Decimal,
}

# Made once: `json.loads` and `dumps` make one each time they are told how.
_decoded = json.JSONDecoder(parse_float=Decimal).decode
# What is written was read from JSON, or made here, and has no circles.
_encoded = ExactEncoder(check_circular=False).encode


def select_each(db: str, queries: Sequence[Recurring]) -> Iterator[Any]:
    """Yield the rows of all these queries, with their annotations, in their order."""
    if connections[db].vendor != "postgresql" or len(queries) < 2:
        for query in queries:
            yield from rows(db, query)
        return
    parts, parameters = [], []
    for number, query in enumerate(queries):
        sql, its_own = query.filled(db)
        parts.append(f"SELECT {number}, row_to_json(q)::text FROM ({sql}) AS q")  # noqa: S608
        parameters += its_own
    with connections[db].cursor() as cursor:
        cursor.execute(" UNION ALL ".join(parts), parameters)
        found = cursor.fetchall()
    readers = [_reader(db, query) for query in queries]
    for number, text in found:
        yield readers[number](_decoded(text))


def _reader(db: str, query: Recurring) -> Callable[[dict[str, Any]], Any]:
    """Return what makes a row of JSON."""
    model, annotations = query.model_and_annotations(db)
    names, columns, converted = _columns(model)

    def read(values: dict[str, Any]) -> Any:
        for column, convert in converted:
            if values[column] is not None:
                values[column] = convert(values[column])
        row = model.from_db(db, names, columns(values))
        for name in annotations:
            setattr(row, name, values[name])
        return row

    return read


@cache
def _columns(model: Any) -> tuple[list[str], Any, list[tuple[Any, Callable[[Any], Any]]]]:
    """Return the attributes of a row, what gets them, and how some are converted from JSON."""
    fields = model._meta.concrete_fields
    converted = [
        (field.column, convert)
        for field in fields
        for kind, convert in CONVERTED.items()
        if isinstance(field, kind)
    ]
    return [each.attname for each in fields], itemgetter(*(f.column for f in fields)), converted


class Update(NamedTuple):
    """Fields of rows of one model; each row is its primary key and the fields' values."""

    model: type[models.Model]
    names: Sequence[str]
    rows: Sequence[Sequence[Any]]

    def fields(self) -> list[Any]:
        meta = self.model._meta
        return [meta.pk, *(meta.get_field(name) for name in self.names)]


def write_each(db: str, new: Sequence[Sequence[Any]], updates: Sequence[Update] = ()) -> None:
    """
    Insert new rows, of one model in each sequence, and update others.

    The new ones get to know their primary keys.
    """
    new, updates = [each for each in new if each], [each for each in updates if each.rows]
    if connections[db].vendor == "postgresql":
        if new or updates:
            _write_together(connections[db], new, updates)
        return
    for each in new:
        _insert(connections[db], each)
    for update in updates:
        _update(connections[db], update)


def _insert(connection: Any, rows: Sequence[Any]) -> None:
    if connection.features.can_return_rows_from_bulk_insert:
        type(rows[0])._base_manager.using(connection.alias).bulk_create(rows)
    else:
        # MySQL tells the primary key of one row at a time.
        for row in rows:
            row.save(using=connection.alias, force_insert=True)


def _update(connection: Any, update: Update) -> None:
    fields = update.fields()
    statement = _update_joined if connection.vendor == "mysql" else _update_from_values
    sql = statement(connection, update.model._meta.db_table, fields, len(update.rows))
    parameters = [
        field.get_db_prep_save(value, connection)
        for row in update.rows
        for field, value in zip(fields, row, strict=True)
    ]
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)


def _write_together(
    connection: Any, new: Sequence[Sequence[Any]], updates: Sequence[Update]
) -> None:
    written = [_insertion(connection, rows) for rows in new]
    written += [_updating(connection, each) for each in updates]
    parts = ", ".join(f"w{number} AS ({sql})" for number, (sql, _) in enumerate(written))
    keys_of = [f"SELECT {number}, * FROM w{number}" for number in range(len(new))]  # noqa: S608
    told = " UNION ALL ".join(keys_of) or "SELECT WHERE FALSE"
    with connection.cursor() as cursor:
        cursor.execute(f"WITH {parts} {told}", [values for _, values in written])
        keys = cursor.fetchall()
    for row, (_, key) in zip(chain.from_iterable(new), keys, strict=True):
        row.pk = key
        row._state.adding, row._state.db = False, connection.alias


def _insertion(connection: Any, rows: Sequence[Any]) -> tuple[str, str]:
    model = type(rows[0])
    fields = [field for field in model._meta.concrete_fields if not field.primary_key]
    make = partial(_insert_from_json, connection, model, fields)
    values = [[field.pre_save(row, add=True) for field in fields] for row in rows]
    return once(connection, (_insert_from_json, model), make), _json(fields, values)


def _updating(connection: Any, update: Update) -> tuple[str, str]:
    fields = update.fields()
    make = partial(_update_from_json, connection, update.model, fields)
    key = _update_from_json, update.model, *update.names
    return once(connection, key, make), _json(fields, update.rows)


def _insert_from_json(connection: Any, model: Any, fields: Sequence[Any]) -> str:
    quote = connection.ops.quote_name
    columns = ", ".join(quote(field.column) for field in fields)
    return (
        f"INSERT INTO {quote(model._meta.db_table)} ({columns}) "  # noqa: S608
        f"SELECT {columns} FROM {_recordset(connection, fields)} "
        f"RETURNING {quote(model._meta.pk.column)}"
    )


def _update_from_json(connection: Any, model: Any, fields: Sequence[Any]) -> str:
    quote = connection.ops.quote_name
    table = quote(model._meta.db_table)
    key, *columns = (quote(field.column) for field in fields)
    assigned = ", ".join(f"{column} = v.{column}" for column in columns)
    return (
        f"UPDATE {table} SET {assigned} "  # noqa: S608
        f"FROM {_recordset(connection, fields)} WHERE {table}.{key} = v.{key}"
    )


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
    return _encoded([dict(zip(columns, row, strict=True)) for row in rows])


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
