"""Remedies that no other test would miss."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction
from django.test import Client

from billing_webhooks.database import is_transient
from billing_webhooks.models import WebhookEvent
from billing_webhooks.providers.base import Delivery, Envelope, Trust
from billing_webhooks.providers.billabear import BillaBearProvider
from tests.conftest import SECRET
from tests.endpoint.deliveries import send
from tests.test_concurrency import at_once

Execute = Callable[..., Any]


class BreaksAConstraint(BillaBearProvider):
    """A provider by whose fault a row is not what its table asks for."""

    def verify(self, delivery: Delivery) -> Envelope:
        return Envelope(
            event_type=None,  # type: ignore[arg-type]
            subject="customer:1",
            trust=Trust.SECRET,
            identity="the same",
        )


@pytest.mark.django_db(transaction=True)
class TestInserting:
    def test_constraint_that_is_broken__is_no_duplicate(
        self, client: Client, settings: Any, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Findings 1 and 2: neither passed over by the database nor taken for a repeat."""
        backend = f"{__name__}.BreaksAConstraint"
        settings.BILLING_WEBHOOKS_PROVIDERS = {
            "billabear": {"BACKEND": backend, "OPTIONS": {"SECRETS": [SECRET]}}
        }

        assert [send(client).status_code for _ in range(2)] == [503, 503]
        assert not WebhookEvent.objects.exists()
        assert all("reason=not_stored" in message for message in caplog.messages)

    @pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has no server to be killed")
    def test_killed_connection__is_opened_anew(self, client: Client) -> None:
        """Finding 11: whoever sends once must not pay for a database that was restarted."""
        for _ in range(3):
            kill_connection()
            assert send(client).status_code == 200

        assert WebhookEvent.objects.count() == 3

    def test_error_that_does_not_pass__is_tried_once(
        self, client: Client, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Finding 22: it would be the same each time, and somebody waits for the answer."""
        tries = []

        def is_too_large(execute: Execute, sql: str, *arguments: Any) -> Any:
            tries.append(sql)
            raise of_server(sqlstate="54000")

        with connection.execute_wrapper(is_too_large):
            response = send(client)

        assert (response.status_code, len(tries)) == (503, 1)
        assert "reason=not_stored" in caplog.messages[-1]

    def test_error_that_passes__is_tried_again(self, client: Client) -> None:
        """A deadlock, and it is stored all the same, once."""
        tries = []

        def is_deadlock(execute: Execute, sql: str, *arguments: Any) -> Any:
            tries.append(sql)
            if len(tries) < 3:
                raise of_server(sqlstate="40P01")
            return execute(sql, *arguments)

        with connection.execute_wrapper(is_deadlock):
            assert send(client).status_code == 200

        assert WebhookEvent.objects.get().deliveries == 1

    def test_callback_of_the_project__may_fail(self, client: Client) -> None:
        """Finding 14: one that fails cancels those behind it, so nothing hangs on ours."""

        def fail() -> None:
            raise RuntimeError("a fault of the project's")

        def post() -> None:
            with transaction.atomic():
                transaction.on_commit(fail)
                assert send(client).status_code == 200

        with pytest.raises(RuntimeError):
            post()
        assert WebhookEvent.objects.get().state == "processed"


def kill_connection() -> None:
    """Let the server end the connection that this thread has."""
    ask, kill = {
        "mysql": ("SELECT CONNECTION_ID()", "KILL %s"),
        "postgresql": ("SELECT pg_backend_pid()", "SELECT pg_terminate_backend(%s)"),
    }[connection.vendor]

    def execute(sql: str, *arguments: Any) -> Any:
        with connection.cursor() as cursor:
            cursor.execute(sql, arguments)
            return cursor.fetchone() if cursor.description else None

    (who,) = execute(ask)
    at_once([lambda: execute(kill, who)])


def of_server(sqlstate: str = "", errno: int = 0) -> OperationalError:
    """Return the error that Django makes of one by the database's server."""
    cause: Any = Exception(errno, "what it says")
    if sqlstate:
        cause.sqlstate = sqlstate
    error = OperationalError("what it says")
    error.__cause__ = cause
    return error


# Finding 22: all of these are OperationalError.
SQLSTATES = {
    **dict.fromkeys(["08006", "40001", "40P01", "53100", "53300", "55P03", "57P01", "57P03"], True),
    **dict.fromkeys(["54000", "54001", "42501", "22001", "57014", "XX000"], False),
}
ERRNOS = {
    **dict.fromkeys([1021, 1040, 1053, 1205, 1213, 2002, 2003, 2006, 2013], True),
    **dict.fromkeys([1045, 1049, 1153, 1264, 1290, 1406], False),
}


@pytest.mark.parametrize(("sqlstate", "passes"), SQLSTATES.items())
def test_operational_error_of_postgresql__passes_or_not(sqlstate: str, passes: bool) -> None:
    assert is_transient(of_server(sqlstate=sqlstate)) == passes


@pytest.mark.parametrize(("errno", "passes"), ERRNOS.items())
def test_operational_error_of_mysql__passes_or_not(errno: int, passes: bool) -> None:
    assert is_transient(of_server(errno=errno)) == passes
