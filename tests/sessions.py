"""What statements leave behind in their session, which a pooler lends to somebody else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

# `SET LOCAL` and `set_config(…, true)` end with the transaction, as pg_advisory_xact_lock does.
LEAVES = re.compile(
    r"""^\s*(SET\s+(?!LOCAL\b|TRANSACTION\b)|RESET\b|LISTEN\b|UNLISTEN\b|LOAD\b|PREPARE\b|DECLARE\b)
    | \bCREATE\s+(LOCAL\s+|GLOBAL\s+)?TEMP | \bINTO\s+TEMP | \bWITH\s+HOLD\b
    | \bpg_(try_)?advisory_lock | \bset_config\s*\(.*,\s*false\s*\)""",
    re.IGNORECASE | re.VERBOSE | re.DOTALL,
)
# What is still there after the last transaction; Django itself sets the time zone, which
# poolers know of and set for whom they lend a session to.
LEFT = {
    "settings": "SELECT name FROM pg_settings WHERE source = 'session' AND name <> 'TimeZone'",
    "prepared statements": "SELECT name FROM pg_prepared_statements",
    "cursors": "SELECT name FROM pg_cursors WHERE name <> ''",
    "channels": "SELECT pg_listening_channels()",
    "advisory locks": "SELECT objid FROM pg_locks WHERE locktype = 'advisory'"
    " AND pid = pg_backend_pid()",
    "temporary tables": "SELECT relname FROM pg_class WHERE relpersistence = 't'",
}


class Session:
    """Which statements there were, and which of them leave something behind."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self.statements = 0
        self.leaving: list[str] = []

    def see(self, execute: Any, sql: Any, params: Any, many: bool, context: Any) -> Any:
        self.statements += 1
        # Inside a transaction a cursor of the server's ends with it.
        name = getattr(context["cursor"].cursor, "name", "")
        is_held = bool(name) and not self._connection.in_atomic_block
        if is_held or LEAVES.search(str(sql)):
            self.leaving.append(str(sql))
        return execute(sql, params, many, context)

    def left(self) -> dict[str, list[Any]]:
        """Return what PostgreSQL says is left, by kind."""
        left = {}
        for kind, question in LEFT.items():
            with self._connection.cursor() as cursor:
                cursor.execute(question)
                if found := cursor.fetchall():
                    left[kind] = found
        return left


@contextmanager
def watched(connection: Any) -> Iterator[Session]:
    """Yield what is seen of the session of a connection."""
    session = Session(connection)
    with connection.execute_wrapper(session.see):
        yield session
