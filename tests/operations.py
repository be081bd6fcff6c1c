"""What is done on a database connection, seen one operation at a time, before it is done."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

BEGIN, COMMIT, ROLLBACK = "BEGIN", "COMMIT", "ROLLBACK"


@contextmanager
def observed(connection: Any, see: Callable[[str], None]) -> Iterator[None]:
    """Call `see` before each operation: with BEGIN, COMMIT, ROLLBACK, or the statement."""
    connection.ensure_connection()
    set_autocommit, commit, rollback = (
        connection.set_autocommit,
        connection._commit,
        connection._rollback,
    )

    def see_begin(autocommit: bool, *args: Any, **kwargs: Any) -> None:
        if not autocommit:
            see(BEGIN)
        set_autocommit(autocommit, *args, **kwargs)

    def see_commit() -> None:
        see(COMMIT)
        commit()

    def see_rollback() -> None:
        see(ROLLBACK)
        rollback()

    def see_statement(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        # SQLite begins a transaction by a statement, which was seen as BEGIN already.
        if not sql.startswith(BEGIN):
            see(sql)
        return execute(sql, params, many, context)

    connection.set_autocommit = see_begin
    connection._commit, connection._rollback = see_commit, see_rollback
    try:
        with connection.execute_wrapper(see_statement):
            yield
    finally:
        # The methods of the class come to light again.
        del connection.set_autocommit, connection._commit, connection._rollback
