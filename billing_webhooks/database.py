"""Which database the app lives in, and which of its errors are worth another try."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any, TypeVar

from django.db import (
    DatabaseError,
    IntegrityError,
    InterfaceError,
    OperationalError,
    connections,
    router,
    transaction,
)
from django.db.models import DateTimeField, Model, Q, QuerySet, Value
from django.db.models.functions import Now
from django.utils import timezone

from billing_webhooks.models import WebhookEvent

T = TypeVar("T")
Row = TypeVar("Row", bound=Model)
Answer = TypeVar("Answer")

# MariaDB ends one of two transactions whose index entries are neighbours.
TRIES = 8
LONGEST_PAUSE_SECONDS = 0.2

# SQLSTATE classes and codes of PostgreSQL that pass by themselves: connection lost,
# transaction rolled back (deadlock, serialization), server shutting down or starting,
# lock not available, too many connections, out of disk.
TRANSIENT_SQLSTATES = ("08", "40", "57P", "55P03", "53")

# The same for MySQL and MariaDB: changed since it was read, disk full, too many
# connections, server shutdown, lock wait, deadlock, cannot connect, gone away, lost.
TRANSIENT_ERRNOS = frozenset({1020, 1021, 1040, 1053, 1205, 1213, 2002, 2003, 2006, 2013})


class DatabaseTime(Now):
    """The time by the clock of the database, which all hosts share."""

    def as_sql(self, compiler: Any, connection: Any, *args: Any, **context: Any) -> Any:
        if not connection.features.supports_timezones and connection.timezone_name != "UTC":
            # Such a database holds times of its own zone, in which only Django can tell it.
            return compiler.compile(Value(timezone.now(), output_field=DateTimeField()))
        return super().as_sql(compiler, connection, *args, **context)

    def as_mysql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        # CURRENT_TIMESTAMP is in the time zone of the session.
        return self.as_sql(compiler, connection, template="UTC_TIMESTAMP(6)", **context)


def write_alias() -> str:
    """Return the alias of the database in which the app's rows are written."""
    return router.db_for_write(WebhookEvent)


def non_atomic(view: Callable[..., Answer]) -> Callable[..., Answer]:
    """
    Keep a view out of ATOMIC_REQUESTS on every database.

    What it answers is to be sent after its commits, not before them.
    """
    for alias in connections:
        view = transaction.non_atomic_requests(using=alias)(view)
    return view


def is_transient(error: BaseException) -> bool:
    """
    Return whether the same statement may well succeed a little later.

    OperationalError alone does not say so: a row too large for an index is one, and
    trying again would go on for ever.
    """
    if isinstance(error, InterfaceError):
        return True
    if not isinstance(error, DatabaseError) or isinstance(error, IntegrityError):
        return False
    cause: Any = error.__cause__
    sqlstate = getattr(cause, "sqlstate", None)
    if sqlstate is not None:
        return str(sqlstate).startswith(TRANSIENT_SQLSTATES)
    sqlite_name = getattr(cause, "sqlite_errorname", None)
    if sqlite_name is not None:
        return str(sqlite_name).startswith(("SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_FULL"))
    if cause is not None and cause.args and isinstance(cause.args[0], int):
        return cause.args[0] in TRANSIENT_ERRNOS
    # A connection that broke before the server could name a reason.
    return isinstance(error, OperationalError)


def patiently(
    alias: str,
    transact: Callable[[], T],
    *,
    is_passing: Callable[[Exception], bool] = is_transient,
) -> T:
    """
    Return what a transaction returns, tried a few times if others were in its way.

    `is_passing` says of an error whether that is so. Inside a transaction of the caller's,
    one that the database has ended is not tried again.
    """
    for left in reversed(range(TRIES)):
        try:
            return transact()
        except Exception as error:
            is_over = connections[alias].in_atomic_block and is_transient(error)
            if not left or is_over or not is_passing(error):
                raise
            close_if_broken(alias)
            time.sleep(random.uniform(0, LONGEST_PAUSE_SECONDS))  # noqa: S311
    raise AssertionError("unreachable")


def close_if_broken(alias: str) -> None:
    """Drop a connection that no longer answers, so that the next try opens a new one."""
    connection = connections[alias]
    if not connection.in_atomic_block:
        connection.close_if_unusable_or_obsolete()


def savepoint_if_in_transaction(alias: str) -> AbstractContextManager[Any]:
    """
    Return a savepoint where the caller already is in a transaction, else nothing.

    So that a statement may fail inside a project's TestCase, and yet costs no extra
    round trip in a request.
    """
    if connections[alias].in_atomic_block:
        return transaction.atomic(using=alias)
    return nullcontext()


def batches(rows: QuerySet[Row], size: int) -> Iterator[list[Row]]:
    """
    Yield rows in the order of their keys, so many at a time, each time by a query of its own.

    Outside a transaction, `QuerySet.iterator()` leaves a cursor in the session, where the
    next query does not find it if a pooler gives each transaction another session.
    """
    after = Q()
    while batch := list(rows.filter(after).order_by("pk")[:size]):
        yield batch
        after = Q(pk__gt=batch[-1].pk)
