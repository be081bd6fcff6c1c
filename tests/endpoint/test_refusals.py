"""Refusals that people can see, and that cost next to nothing."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from billing_webhooks import refusals
from billing_webhooks.models import Refusal, RefusalCount
from billing_webhooks.refusals import LATEST_OF_EACH, LOGGED_IN_SECONDS, ledger
from billing_webhooks.signals import delivery_refused
from billing_webhooks.testing import KindeIssuer, kinde_event
from tests.conftest import SECRET
from tests.endpoint.deliveries import BODY, send

pytestmark = pytest.mark.django_db


@pytest.fixture
def kept(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Refusals are kept, and written when the test says so."""
    settings.BILLING_WEBHOOKS_REFUSALS_KEPT = 200
    monkeypatch.setattr(refusals.Ledger, "_write_soon", lambda ledger: None)


@pytest.fixture
def heard() -> Iterator[list[dict[str, Any]]]:
    told: list[dict[str, Any]] = []

    def hear(**arguments: Any) -> None:
        told.append(arguments)

    delivery_refused.connect(hear)
    yield told
    delivery_refused.disconnect(hear)


def refuse(client: Client, times: int = 1, alias: str = "billabear") -> None:
    for _ in range(times):
        answer = client.post(f"/webhooks/{alias}", BODY, content_type="")
        assert answer.status_code in {400, 401}


@pytest.mark.usefixtures("kept")
def test_refused__counted_by_alias_reason_and_day(client: Client) -> None:
    refuse(client, 3)
    refuse(client, 2, "kinde")
    ledger.write()
    refuse(client)
    ledger.write()

    counts = RefusalCount.objects.values_list("provider", "reason", "count", "day")
    today = datetime.now(UTC).date()
    assert set(counts) == {
        ("billabear", "secret", 4, today),
        ("kinde", "not_compact_jws", 2, today),
    }


@pytest.mark.usefixtures("kept")
def test_refused__latest_listed_without_the_body(client: Client) -> None:
    client.post("/webhooks/billabear", BODY, content_type="", REMOTE_ADDR="192.0.2.7")
    ledger.write()

    refusal = Refusal.objects.get()
    assert (refusal.provider, refusal.reason) == ("billabear", "secret")
    assert (refusal.remote_address, refusal.size) == ("192.0.2.7", len(BODY))
    assert (datetime.now(UTC) - refusal.at).total_seconds() < 60


@pytest.mark.usefixtures("kept")
def test_list__is_bounded_and_a_flood_of_one_kind_leaves_the_others(
    client: Client, settings: Any
) -> None:
    settings.BILLING_WEBHOOKS_REFUSALS_KEPT = 25
    for _ in range(4):
        refuse(client, 50)
        refuse(client, 1, "kinde")
        ledger.write()

    assert Refusal.objects.count() == 25
    assert LATEST_OF_EACH < 25
    assert Refusal.objects.filter(provider="kinde").count() >= 2
    assert sum(RefusalCount.objects.values_list("count", flat=True)) == 204


@pytest.mark.usefixtures("kept")
@pytest.mark.parametrize("address", ["\x1b[31m\nfake", "\u202e", "x" * 500, ""])
def test_address__harmless(client: Client, address: str) -> None:
    client.post("/webhooks/billabear", BODY, content_type="", REMOTE_ADDR=address)
    ledger.write()

    stored = Refusal.objects.get().remote_address
    assert stored.isascii()
    assert stored.isprintable()
    assert len(stored) <= 64


@pytest.mark.usefixtures("kept")
def test_flood__no_query_and_a_few_lines(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    with CaptureQueriesContext(connection) as queries:
        refuse(client, 300)

    assert len(queries) == 0
    assert len(caplog.records) == 5


def test_flood__the_next_line_says_how_many_were_not_told(
    client: Client, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse(client, 100)
    caplog.clear()
    monotonic = time.monotonic
    monkeypatch.setattr(time, "monotonic", lambda: monotonic() + LOGGED_IN_SECONDS + 1)
    refuse(client, 2)

    first, second = caplog.messages
    assert "reason=secret suppressed=95 " in first
    assert "suppressed" not in second


def test_flood_of_one_reason__does_not_silence_another(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    refuse(client, 100)
    caplog.clear()
    refuse(client, 1, "kinde")

    assert ["reason=not_compact_jws" in message for message in caplog.messages] == [True]


def test_signal__tells_what_the_log_tells(client: Client, heard: list[dict[str, Any]]) -> None:
    refuse(client, 100)

    assert len(heard) == 5
    del heard[0]["signal"]
    assert heard[0] == {
        "sender": None,
        "provider": "billabear",
        "reason": "secret",
        "remote_address": "127.0.0.1",
        "size": len(BODY),
        "suppressed": 0,
    }


def test_failing_receiver_of_the_signal__changes_nothing(client: Client) -> None:
    def fail(**arguments: Any) -> None:
        raise RuntimeError

    delivery_refused.connect(fail)
    try:
        refuse(client)
    finally:
        delivery_refused.disconnect(fail)


@pytest.mark.usefixtures("kept")
def test_accepted__counts_nothing(client: Client) -> None:
    assert send(client).status_code == 200
    assert send(client, b"[]").status_code == 400
    ledger.write()

    assert not RefusalCount.objects.exists()


@pytest.mark.usefixtures("kept")
def test_database_down__written_the_next_time(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    def is_gone(*args: Any) -> None:
        raise OperationalError

    refuse(client, 3)
    with connection.execute_wrapper(is_gone):
        ledger.write()
    refuse(client, 2)
    ledger.write()

    assert RefusalCount.objects.get().count == 5


@pytest.mark.usefixtures("kept")
def test_at_once__all_are_counted(client: Client) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: refuse(Client(), 25), range(8)))
    ledger.write()

    assert RefusalCount.objects.get().count == 200


@pytest.mark.django_db(transaction=True)
def test_thread__writes_soon_and_ends(
    client: Client, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.BILLING_WEBHOOKS_REFUSALS_KEPT = 200
    monkeypatch.setattr(refusals, "WRITE_AFTER_SECONDS", 0.0)
    before = set(threading.enumerate())
    refuse(client, 10)
    for thread in set(threading.enumerate()) - before:
        thread.join(timeout=30)

    wait_until(lambda: sum(RefusalCount.objects.values_list("count", flat=True)) == 10)


@pytest.mark.django_db(transaction=True)
def test_thread__pauses_between_two_writes(
    client: Client, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.BILLING_WEBHOOKS_REFUSALS_KEPT = 200
    naps: list[float] = []
    monkeypatch.setattr(time, "sleep", naps.append)
    ledger._write_soon()
    ledger._write_soon()

    soon, later = naps
    assert soon == refusals.WRITE_AFTER_SECONDS
    assert refusals.WRITE_AFTER_SECONDS < later <= refusals.WRITE_EVERY_SECONDS


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.usefixtures("kept")
def test_wrong_issuer__diagnosed_in_the_admin(
    client: Client, issuer: KindeIssuer, caplog: pytest.LogCaptureFixture
) -> None:
    with KindeIssuer() as other:
        event = kinde_event("customer.plan_changed", {"customer_id": "customer_1"})
        for _ in range(2):
            client.post("/webhooks/kinde", other.sign(event), content_type="")
    ledger.write()
    client.force_login(User.objects.create_superuser("root"))

    page = client.get("/admin/billing_webhooks/refusalcount/").content.decode()
    assert "unknown_kid" in page
    assert "Is ISSUER the tenant" in page
    assert "reason=unknown_kid" in caplog.messages[0]
    assert SECRET not in page


@pytest.mark.parametrize(
    ("name", "value"),
    [("KEPT", "many"), ("KEPT", None), ("KEPT", -5), ("LOGGED", "many"), ("LOGGED", -5)],
)
def test_wrong_setting__changes_no_answer(
    client: Client, settings: Any, name: str, value: Any
) -> None:
    setattr(settings, f"BILLING_WEBHOOKS_REFUSALS_{name}", value)
    refuse(client, 3)
