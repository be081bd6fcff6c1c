"""How many statements something sends to the database."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext

# What opens and ends a transaction.
AROUND = ("BEGIN", "COMMIT")


def statements(work: Callable[[], object], *, bare: bool = False) -> int:
    """Return how many statements a piece of work sends; if `bare`, without BEGIN and COMMIT."""
    session: Any = connection
    # Django keeps the last nine thousand, which is less than a backlog may take.
    session.queries_log = deque()
    with CaptureQueriesContext(connection) as queries:
        work()
    sent = [query["sql"] for query in queries]
    return len([sql for sql in sent if not (bare and sql.startswith(AROUND))])
