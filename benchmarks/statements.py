"""How many statements something sends to the database, those about transactions included."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext


def statements(work: Callable[[], object]) -> int:
    """Return how many statements a piece of work sends."""
    session: Any = connection
    # Django keeps the last nine thousand, which is less than a backlog may take.
    session.queries_log = deque()
    with CaptureQueriesContext(connection) as queries:
        work()
    return len(queries)
