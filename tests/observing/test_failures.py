"""A log or an observer of the project that fails changes no answer, and no event."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from django.test import Client

from billing_webhooks import dispatch, harmless
from billing_webhooks.lifecycle import observe
from billing_webhooks.models import WebhookEvent
from billing_webhooks.signals import event_processed
from billing_webhooks.sweeping import sweep
from tests.conftest import Connect, PostBillaBear, PostKinde
from tests.endpoint.deliveries import CUSTOMER, send
from tests.observing.conftest import Listener

pytestmark = pytest.mark.django_db(transaction=True)

PAYMENT = "0b1e5c1e-0000-4000-8000-000000000001"


class Broken(Exception):
    """What is wrong with it."""


def broken(*args: Any, **kwargs: Any) -> Any:
    raise Broken


class BrokenHandler(logging.Handler):
    """One that does not even keep its errors to itself, as handlers should."""

    emit = broken


class BrokenFilter(logging.StreamHandler[Any]):
    """One with a filter that fails."""

    filter = broken


class BrokenFormatter(logging.StreamHandler[Any]):
    """One that does what handlers do with their errors."""

    format = broken


@pytest.fixture(params=[BrokenHandler, BrokenFilter, BrokenFormatter])
def broken_log(request: pytest.FixtureRequest) -> Iterator[None]:
    handler, logger = request.param(), logging.getLogger("billing_webhooks")
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    yield
    logger.setLevel(logging.NOTSET)
    logger.removeHandler(handler)


@pytest.fixture(params=[True, False], ids=["raiseExceptions", "not"], autouse=True)
def _exceptions(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logging, "raiseExceptions", request.param)
    monkeypatch.setattr(harmless, "_complained_at", {})


@pytest.mark.usefixtures("broken_log")
def test_event__is_worked_though_the_log_is_broken(
    connect: Connect, post_billabear: PostBillaBear
) -> None:
    told: list[str] = []
    connect(event_processed, lambda event, **kwargs: told.append(event.event_type))
    assert post_billabear("customer_created", customer=CUSTOMER).status_code == 200

    event = WebhookEvent.objects.get()
    assert (event.state, event.outcome, event.attempts) == ("processed", "applied", 1)
    assert told == ["customer_created"]


@pytest.mark.usefixtures("broken_log")
def test_failures__end_as_they_do(connect: Connect, post_billabear: PostBillaBear) -> None:
    connect(event_processed, broken)
    post_billabear("customer_created", customer=CUSTOMER)
    # A batch of it fails, and it is then worked by itself.
    post_billabear("payment_received", id=PAYMENT, customer=None, amount=19.99)

    failed, unreadable = WebhookEvent.objects.order_by("received_at")
    assert (failed.state, unreadable.state) == ("pending", "dead")
    assert "Broken" in failed.runs.get().last_error


@pytest.mark.usefixtures("broken_log")
def test_answers__are_what_they_are(
    client: Client, post_kinde: PostKinde, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert post_kinde("customer.created", {"id": "customer_1"}).status_code == 200
    assert client.post("/webhooks/billabear", b"{}", "text/plain").status_code == 401
    assert send(client, b"[]").status_code == 400
    monkeypatch.setitem(dispatch.WAYS, "inline", broken)
    assert post_kinde("customer.updated", {"id": "customer_1"}).status_code == 200
    settings.BILLING_WEBHOOKS_PROVIDERS["kinde"]["OPTIONS"] = {}
    assert client.post("/webhooks/kinde", b"x", "application/jwt").status_code in {400, 503}


@pytest.mark.usefixtures("broken_log")
def test_sweep__goes_on(post_billabear: PostBillaBear, settings: Any) -> None:
    settings.BILLING_WEBHOOKS_DISPATCH = "deferred"
    post_billabear("payment_received", id=PAYMENT, customer=None, amount=19.99)
    post_billabear("customer_created", customer=CUSTOMER)
    sweep()

    assert set(WebhookEvent.objects.values_list("state", flat=True)) == {"dead", "processed"}


@pytest.mark.usefixtures("broken_log")
def test_log_that_is_broken__says_so_where_logging_does(
    post_billabear: PostBillaBear, capsys: pytest.CaptureFixture[str]
) -> None:
    post_billabear("customer_created", customer=CUSTOMER)
    assert ("Broken" in capsys.readouterr().err) == logging.raiseExceptions


class BrokenListener(Listener):
    told = broken


class DeafListener(Listener):
    hears = broken


@pytest.mark.parametrize("broken_one", [BrokenListener, DeafListener])
def test_observer__that_is_broken_is_told_of_once(
    broken_one: type[Listener],
    listener: Listener,
    caplog: pytest.LogCaptureFixture,
    post_billabear: PostBillaBear,
) -> None:
    stop = observe(broken_one())
    try:
        for _ in range(3):
            assert post_billabear("customer_created", customer=CUSTOMER).status_code == 200
    finally:
        stop()

    assert set(WebhookEvent.objects.values_list("state", flat=True)) == {"processed"}
    assert len(listener.names) == 6
    complaints = [each for each in caplog.messages if each.startswith("Telling a step failed")]
    assert len(complaints) == 1


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_end_of_the_process__is_not_held_up(error: type[BaseException]) -> None:
    with pytest.raises(error), harmless.Harmless("This"):
        raise error


@pytest.mark.parametrize("has_structlog", [False, True])
def test_record__names_the_line_that_logs(
    caplog: pytest.LogCaptureFixture, has_structlog: bool
) -> None:
    if has_structlog:
        # It gives loggers a way of their own to find their callers.
        structlog.stdlib.LoggerFactory()
    logger = harmless.get_logger(f"billing_webhooks.test.{has_structlog}")
    logging.setLoggerClass(logging.Logger)
    logger.warning("Here.", extra={"more": 1})
    try:
        raise Broken
    except Broken:
        logger.exception("There.")

    here, there = caplog.records
    assert {record.funcName for record in caplog.records} == {
        "test_record__names_the_line_that_logs"
    }
    assert vars(here)["more"] == 1
    assert (there.levelname, (there.exc_info or [None])[0]) == ("ERROR", Broken)
