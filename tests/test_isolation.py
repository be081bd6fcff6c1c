"""Other transactions at the same time, as strictly kept apart as servers of MySQL are set up."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, connection, connections, transaction

from billing_webhooks.database import is_transient
from billing_webhooks.models import Customer, Payment, WebhookEvent
from billing_webhooks.sweeping import sweep
from billing_webhooks.testing import KindeIssuer, kinde_event
from tests.conftest import at
from tests.models import Tally
from tests.test_concurrency import at_once, post

pytestmark = pytest.mark.django_db(transaction=True)

on_a_server = pytest.mark.skipif(
    connection.vendor == "sqlite", reason="SQLite has neither row locks nor a server"
)


class TestRepeatableRead:
    """
    The default of MySQL's servers, though not of Django with them: a transaction goes on
    seeing what it saw first.
    """

    @pytest.fixture(autouse=True)
    def isolation(self, monkeypatch: pytest.MonkeyPatch) -> None:
        if connection.vendor != "mysql":
            pytest.skip("it is MySQL whose servers have this default")
        # The threads of the tests open connections of their own.
        options = {**connection.settings_dict["OPTIONS"], "isolation_level": "repeatable read"}
        monkeypatch.setitem(connections.settings["default"], "OPTIONS", options)

    def test_connections__are_as_strict_as_that(self) -> None:
        def level() -> Any:
            with connection.cursor() as cursor:
                cursor.execute("SELECT @@tx_isolation")
                return cursor.fetchone()

        assert at_once([level]) == [("REPEATABLE-READ",)]

    def test_one_organisation__of_several_customers_at_once(self, issuer: KindeIssuer) -> None:
        for number in range(10):
            organization = {"org_code": f"org_{number}"}
            post(issuer.sign(kinde_event("customer.plan_assigned", organization)))()
            whose = [
                {**organization, "customer_id": f"customer_{number}_{who}"} for who in range(4)
            ]
            bodies = [issuer.sign(kinde_event("customer.plan_assigned", who)) for who in whose]
            assert Counter(at_once([post(body) for body in bodies])) == {200: 4}
        self.finish()
        assert Customer.objects.count() == 40
        assert Customer.objects.filter(external_id="").count() == 0

    def test_one_customer__of_several_names_at_once(self, issuer: KindeIssuer) -> None:
        by_id, by_organization = {"customer_id": "customer_1"}, {"org_code": "org_1"}
        names = [by_id, by_organization, by_id | by_organization]
        bodies = [
            issuer.sign(
                kinde_event(
                    "customer.payment_succeeded",
                    {**names[number % 3], "payment_id": f"payment_{number}"},
                    occurred_at=at(f"10:{number:02d}"),
                )
            )
            for number in range(60)
        ]
        assert Counter(at_once([post(body) for body in bodies])) == {200: 60}
        self.finish()
        assert Payment.objects.filter(customer=Customer.objects.get()).count() == 60

    def finish(self) -> None:
        WebhookEvent.objects.filter(state="pending").update(next_attempt_at=at("00:00"))
        at_once([sweep])
        assert set(WebhookEvent.objects.values_list("state", flat=True)) == {"processed"}


class TestErrors:
    """What a server says when two are in each other's way, and which of it passes."""

    @pytest.fixture
    def rows(self) -> list[int]:
        return [Tally.objects.create(name=name).pk for name in ("first", "second")]

    @on_a_server
    def test_deadlock__passes(self, rows: list[int]) -> None:
        both = threading.Barrier(2, timeout=30)

        def lock(first: int, second: int) -> Callable[[], DatabaseError | None]:
            def locks() -> DatabaseError | None:
                try:
                    with transaction.atomic():
                        Tally.objects.select_for_update().get(pk=first)
                        both.wait()
                        Tally.objects.select_for_update().get(pk=second)
                except DatabaseError as error:
                    return error
                return None

            return locks

        errors = [error for error in at_once([lock(*rows), lock(*reversed(rows))]) if error]
        assert [is_transient(error) for error in errors] == [True]

    @on_a_server
    def test_lock_wait__passes(self, rows: list[int]) -> None:
        soon = {
            "mysql": "SET innodb_lock_wait_timeout = 1",
            "postgresql": "SET lock_timeout = '100ms'",
        }

        def wait_for_it() -> None:
            with connection.cursor() as cursor:
                cursor.execute(soon[connection.vendor])
            Tally.objects.filter(pk=rows[0]).update(count=1)

        with transaction.atomic():
            Tally.objects.select_for_update().get(pk=rows[0])
            with pytest.raises(DatabaseError) as caught:
                at_once([wait_for_it])
        assert is_transient(caught.value)

    @on_a_server
    def test_killed_connection__passes(self) -> None:
        ask, kill = {
            "mysql": ("SELECT CONNECTION_ID()", "KILL %s"),
            "postgresql": ("SELECT pg_backend_pid()", "SELECT pg_terminate_backend(%s)"),
        }[connection.vendor]

        def ask_again_when_killed() -> None:
            with connection.cursor() as cursor:
                cursor.execute(ask)
                (who,) = cursor.fetchone()
                killer(who)
                cursor.execute(ask)

        def killer(who: int) -> None:
            def execute() -> None:
                with connection.cursor() as cursor:
                    cursor.execute(kill, [who])

            at_once([execute])

        with pytest.raises(DatabaseError) as caught:
            at_once([ask_again_when_killed])
        assert is_transient(caught.value)

    def test_a_second_row_of_a_name__does_not_pass(self, rows: list[int]) -> None:
        with pytest.raises(IntegrityError) as caught, transaction.atomic():
            Tally.objects.create(name="first")
        assert not is_transient(caught.value)

    @on_a_server
    def test_too_long_a_text__does_not_pass(self) -> None:
        with pytest.raises(DatabaseError) as caught, transaction.atomic():
            Tally.objects.create(name="x" * 51)
        assert not is_transient(caught.value)
