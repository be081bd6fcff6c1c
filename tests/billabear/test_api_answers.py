"""Whatever BillaBear's API answers, or does not: nothing is applied without its word."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from billing_webhooks.models import (
    Plan,
)
from billing_webhooks.providers.billabear import BillaBearProvider, client
from billing_webhooks.providers.fetching import MAX_BYTES
from tests.billabear.api import API_KEY, StandIn, payment_row
from tests.billabear.conftest import Say, use_api, work_off
from tests.billabear.deliveries import (
    CUSTOMER_ID,
)
from tests.once import on_one_database

on_one_database()

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("few_attempts"),
]

OTHER_ID = "11111111-2222-4333-8444-555555555555"
OF_NO_OBJECT = ("integration_", "tax_", "usage_")


FAILURES: dict[str, Any] = {
    "key": (401, {}, b"[]"),
    "forbidden": (403, {}, b"[]"),
    "fault": (500, {}, b"<html>"),
    "busy": (429, {}, b""),
    "page": (200, {}, b"<html>hello</html>"),
    "nothing": (200, {}, b""),
    "null": (200, {}, b"null"),
    "list": (200, {}, b"[]"),
    "another": (200, {}, b'{"id": "x", "status": "active"}'),
    "no status": (200, {}, b'{"id": "%s"}' % CUSTOMER_ID.encode()),
    "data is no list": (200, {}, b'{"data": {}}'),
    "huge": (200, {}, b'{"data": "' + b"x" * MAX_BYTES + b'"}'),
    "deep": (200, {}, b"[" * 5_000),
}


@pytest.mark.parametrize("event_type", ["customer_created", "payment_received", "plan_updated"])
@pytest.mark.parametrize("failure", FAILURES)
def test_useless_answer__postponed_and_then_applied(
    api: StandIn, say_later: Say, failure: str, event_type: str
) -> None:
    api.instead = FAILURES[failure]
    event = say_later(event_type)
    assert (event.state, event.attempts, event.outcome) == ("pending", 2, "")
    assert "BillaBear's API" in event.last_error
    assert "Traceback" not in event.last_error
    api.instead = None
    api.commit()
    work_off()

    event.refresh_from_db()
    assert (event.state, event.trust) == ("processed", "confirmed")


def test_nobody_listens__postponed(api: StandIn, say_later: Say, settings: Any) -> None:
    use_api(settings, API_URL="http://127.0.0.1:1/api/v1")
    event = say_later("customer_created")

    assert (event.state, event.attempts) == ("pending", 2)
    assert event.last_error == "BillaBear's API cannot be asked: URLError."


def test_redirect__not_followed_and_the_key_stays(api: StandIn, say_later: Say) -> None:
    with StandIn() as elsewhere:
        api.instead = (302, {"Location": f"{elsewhere.url}/customer"}, b"")
        event = say_later("customer_created")

        assert event.last_error == "BillaBear's API redirects, which is not followed."
        assert not elsewhere.requests


def test_http_to_elsewhere__nothing_is_sent(say_later: Say, settings: Any) -> None:
    settings.BILLING_WEBHOOKS_DISPATCH = "deferred"
    use_api(settings, API_URL="http://billabear.example.com/api/v1")

    assert "only https" in say_later("customer_created").last_error


@pytest.mark.parametrize("rows", [1, 2, 249, 250])
def test_pages__followed_to_the_last(api: StandIn, say_later: Say, rows: int) -> None:
    api.commit()
    others = [payment_row(id=f"{n}") for n in range(rows - 1)]
    api.payments[CUSTOMER_ID] = [*others, payment_row()]

    assert say_later("payment_received").state == "processed"
    assert len(api.requests) == 1 + -(-rows // 100)


@pytest.mark.parametrize(
    "page", [b'{"data":[],"has_more":true,"last_key":7}', b'{"data":[],"has_more":true}']
)
def test_pages_that_do_not_go_on__no_loop(api: StandIn, say_later: Say, page: bytes) -> None:
    api.instead = (200, {}, page)
    say_later("payment_received", customer=None)

    assert len(api.requests) <= 4


def test_plan_that_is_not_in_half_a_list__not_held_to_be_deleted(
    api: StandIn, say_later: Say
) -> None:
    api.instead = (200, {}, b'{"data":[],"has_more":true}')
    event = say_later("plan_deleted")

    assert event.last_error == "BillaBear's API breaks off its list of plans."
    assert not Plan.objects.exists()


def test_pages_without_end__given_up(
    api: StandIn, say_later: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "MAX_PAGES", 3)
    api.commit()
    api.page = 1
    api.payments[CUSTOMER_ID] = [payment_row(id=f"{n}") for n in range(9)] + [payment_row()]

    assert "first 3 pages" in say_later("payment_received").last_error


def test_key__in_its_header_and_nowhere_else(
    api: StandIn, say_later: Say, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    api.commit()
    event = say_later("payment_received")
    api.instead = FAILURES["key"]
    refused = say_later("customer_created")

    assert api.keys == {API_KEY}
    assert not any(API_KEY in path for path in api.requests)
    provider = BillaBearProvider(
        "shop", settings.BILLING_WEBHOOKS_PROVIDERS["billabear"]["OPTIONS"]
    )
    told = f"{provider!r} {vars(provider._client)!r} {refused.last_error} {event.__dict__!r}"
    assert API_KEY not in told + caplog.text
