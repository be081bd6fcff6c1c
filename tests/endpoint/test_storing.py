"""What storing a delivery costs."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.cache import caches
from django.db import connection, connections, transaction
from django.test.utils import CaptureQueriesContext

from billing_webhooks.models import WebhookEvent
from billing_webhooks.testing import KindeIssuer
from tests.conftest import PostBillaBear, PostKinde, at
from tests.endpoint.deliveries import CUSTOMER

pytestmark = pytest.mark.django_db

NEXT = {"event_id": "event_2"}
PAYMENT = {"id": "c0ffee00-1234-4abc-9def-0123456789ab", "customer": CUSTOMER, "amount": 3000}


@pytest.mark.usefixtures("deferred")
class TestCost:
    """What a delivery asks of the database, and that is all."""

    ATOMIC = pytest.mark.parametrize("atomic", [False, True], ids=["plain", "ATOMIC_REQUESTS"])

    @ATOMIC
    @pytest.mark.django_db(transaction=True)
    def test_new_event__one_statement(
        self, post_billabear: PostBillaBear, monkeypatch: pytest.MonkeyPatch, atomic: bool
    ) -> None:
        monkeypatch.setitem(connections.settings["default"], "ATOMIC_REQUESTS", atomic)

        with CaptureQueriesContext(connection) as queries:
            assert post_billabear("payment_received", **PAYMENT).status_code == 200

        assert verbs(queries) == ["INSERT"]

    @ATOMIC
    @pytest.mark.django_db(transaction=True)
    def test_repeated_event__two_statements(
        self, post_billabear: PostBillaBear, monkeypatch: pytest.MonkeyPatch, atomic: bool
    ) -> None:
        monkeypatch.setitem(connections.settings["default"], "ATOMIC_REQUESTS", atomic)
        post_billabear("payment_received", **PAYMENT)

        with CaptureQueriesContext(connection) as queries:
            assert post_billabear("payment_received", **PAYMENT).status_code == 200

        assert verbs(queries) == ["INSERT", "UPDATE"]
        assert WebhookEvent.objects.get().deliveries == 2

    @pytest.mark.django_db(transaction=True)
    def test_kinde__the_same(self, post_kinde: PostKinde) -> None:
        event: dict[str, Any] = {
            "event_id": "event_1",
            "occurred_at": at("10:30"),
            "data": {"customer_id": "customer_1"},
        }

        # The first one in a process leads to the keys.
        post_kinde("customer.plan_changed", {"customer_id": "customer_1"})
        for expected in (["INSERT"], ["INSERT", "UPDATE"]):
            with CaptureQueriesContext(connection) as queries:
                post_kinde("customer.plan_changed", **event)
            assert verbs(queries) == expected

    @pytest.mark.django_db(transaction=True)
    @pytest.mark.parametrize("way", ["new", "repeated"])
    def test_kinde__asks_nothing_of_the_cache_and_fetches_no_keys(
        self,
        post_kinde: PostKinde,
        issuer: KindeIssuer,
        monkeypatch: pytest.MonkeyPatch,
        way: str,
    ) -> None:
        event: dict[str, Any] = {"event_id": "event_1", "data": {"customer_id": "customer_1"}}
        post_kinde("customer.plan_changed", **event)
        asked: list[object] = []
        for name in ("get", "set", "add", "get_many", "incr"):
            monkeypatch.setattr(
                type(caches["default"]), name, lambda *each, **_: asked.append(each)
            )

        post_kinde("customer.plan_changed", **event if way == "repeated" else {**event, **NEXT})

        assert asked == []
        assert issuer.requests == 1

    @pytest.mark.django_db(transaction=True)
    def test_health_check__is_no_round_trip_of_its_own(
        self, post_billabear: PostBillaBear, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Django asks a connection whether it is well past what counts its queries."""
        asked: list[object] = []
        monkeypatch.setattr(type(connections["default"]), "is_usable", asked.append)
        monkeypatch.setitem(connection.settings_dict, "CONN_HEALTH_CHECKS", True)
        connection.close()
        connection.connect()
        # As a new request finds it.
        vars(connections["default"])["health_check_done"] = False

        assert post_billabear("payment_received", **PAYMENT).status_code == 200

        assert asked == []
        connection.close()

    def test_inside_a_project_s_transaction__a_repeat_breaks_nothing(
        self, post_billabear: PostBillaBear
    ) -> None:
        assert connection.in_atomic_block
        with transaction.atomic():
            post_billabear("payment_received", **PAYMENT)
            assert post_billabear("payment_received", **PAYMENT).status_code == 200

        assert WebhookEvent.objects.get().deliveries == 2


def verbs(queries: CaptureQueriesContext) -> list[str]:
    verbs = [query["sql"].split()[0] for query in queries.captured_queries]
    # The driver of MySQL does not tell what it was that failed; here it can only be this.
    return ["INSERT" if verb == "None" else verb for verb in verbs]
