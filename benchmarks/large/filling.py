"""Rows written by the million: by COPY on PostgreSQL, in large batches on SQLite."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice

from django.db import connection, transaction

from benchmarks.large.rows import History, Rows
from benchmarks.store import empty

ROWS_PER_COMMIT = 50_000


def fill(history: History) -> None:
    """Have nothing in the tables but a history, and have the database know what they hold."""
    empty()
    with carelessly():
        for rows in history.tables():
            print(f"{rows.model.__name__} …", file=sys.stderr, flush=True)
            write(rows)
    settle()


@contextmanager
def carelessly() -> Iterator[None]:
    """Let PostgreSQL not wait for the disk: what a power cut would cost can be made again."""
    if connection.vendor == "postgresql":
        _configure("SET fsync = off", "SET full_page_writes = off", "SET max_wal_size = '4GB'")
    yield
    if connection.vendor == "postgresql":
        _configure("RESET ALL")


def _configure(*changes: str) -> None:
    with connection.cursor() as cursor:
        for change in changes:
            cursor.execute(f"ALTER SYSTEM {change}")
        cursor.execute("SELECT pg_reload_conf()")


def write(rows: Rows) -> None:
    defaults = rows.defaults
    same = tuple(defaults.values())
    names = ", ".join(map(connection.ops.quote_name, [*rows.columns, *defaults]))
    table = connection.ops.quote_name(rows.model._meta.db_table)
    while batch := [row + same for row in islice(rows.values, ROWS_PER_COMMIT)]:
        with transaction.atomic(), connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                with cursor.copy(f"COPY {table} ({names}) FROM STDIN") as copy:
                    for row in batch:
                        copy.write_row(row)
            else:
                places = ", ".join(["%s"] * len(batch[0]))
                cursor.executemany(f"INSERT INTO {table} ({names}) VALUES ({places})", batch)
    _number_on(rows)


def settle() -> None:
    """Do what a database does by itself in time: clean up and count."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("VACUUM (ANALYZE)")
            cursor.execute("CHECKPOINT")
        else:
            cursor.execute("ANALYZE")
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _number_on(rows: Rows) -> None:
    """Let the next row have the next number."""
    if "id" not in rows.columns or connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        sequence = connection.introspection.get_sequences(cursor, rows.model._meta.db_table)
        for each in sequence:
            table, column = each["table"], each["column"]
            cursor.execute(
                f"SELECT setval(pg_get_serial_sequence(%s, %s), max({column})) FROM {table}",
                [table, column],
            )
