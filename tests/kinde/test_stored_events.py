"""What is kept of an event: once, with its time, cut and cleaned for its columns."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.conf import LazySettings

from billing_webhooks.models import Customer, Plan, WebhookEvent
from billing_webhooks.models.inbox import idempotency_key
from billing_webhooks.testing import KindeIssuer, kinde_event
from tests.kinde.conftest import Deliver
from tests.kinde.deliveries import AGREEMENT_ID, CHANGED_PLAN, CUSTOMER_ID
from tests.kinde.events import EVENT_ID, TYPE, event

pytestmark = pytest.mark.django_db

State = WebhookEvent.State
Outcome = WebhookEvent.Outcome


def test_event__what_is_stored(
    issuer: KindeIssuer, deliver: Deliver, caplog: pytest.LogCaptureFixture
) -> None:
    body = issuer.sign(event())
    with caplog.at_level(logging.WARNING):
        deliver(body)

    stored = WebhookEvent.objects.get()
    assert (stored.event_type, stored.external_id, stored.trust) == (TYPE, EVENT_ID, "signed")
    assert stored.mailbox == f"kinde:customer:{CUSTOMER_ID}"
    assert stored.payload["data"] == CHANGED_PLAN
    assert not caplog.records


@pytest.mark.parametrize("event_id", [0, 7, 2**70])
def test_number_as_event_id__is_text(issuer: KindeIssuer, deliver: Deliver, event_id: int) -> None:
    deliver(issuer.sign(event(event_id=event_id)))
    deliver(issuer.sign(event(event_id=str(event_id))))

    stored = WebhookEvent.objects.get()
    assert (stored.external_id, stored.deliveries) == (str(event_id), 2)


@pytest.mark.parametrize(
    "other",
    [EVENT_ID.upper(), EVENT_ID + " ", EVENT_ID.replace("a", "á")],
    ids=["case", "space", "accent"],
)
def test_similar_event_ids__two_events(issuer: KindeIssuer, deliver: Deliver, other: str) -> None:
    deliver(issuer.sign(event()))
    deliver(issuer.sign(event(event_id=other)))

    assert WebhookEvent.objects.count() == 2


def test_same_event_id_with_another_body__first_is_kept(
    issuer: KindeIssuer, deliver: Deliver
) -> None:
    first = issuer.sign(event())
    assert deliver(first).status_code == 200
    assert deliver(issuer.sign(event(data={"customer_id": "customer_2"}))).status_code == 200

    stored = WebhookEvent.objects.get()
    assert (bytes(stored.body), stored.deliveries) == (first, 2)
    assert Customer.objects.get().external_id == CUSTOMER_ID


def test_forged_event_id__does_not_take_the_place_of_the_real_one(
    issuer: KindeIssuer, deliver: Deliver
) -> None:
    with KindeIssuer(kid=issuer.kid) as attacker:
        assert deliver(attacker.sign(event(data={}))).status_code == 401
    deliver(issuer.sign(event()))

    assert WebhookEvent.objects.get().deliveries == 1


def test_replayed_with_another_webhook_id__one_event(issuer: KindeIssuer, deliver: Deliver) -> None:
    body = issuer.sign(event())
    for webhook_id in ("first", "second"):
        assert deliver(body, headers={"webhook-id": webhook_id}).status_code == 200

    stored = WebhookEvent.objects.get()
    assert (stored.deliveries, stored.headers["webhook-id"]) == (2, "first")


@pytest.mark.parametrize(
    ("sent", "kept"),
    [("w" * 100_000, "w" * 200), ("wé\n\x1b\0", "w????"), ("", "")],
    ids=["100-kb", "unprintable", "empty"],
)
def test_webhook_id__kept_for_display_only(
    issuer: KindeIssuer, deliver: Deliver, sent: str, kept: str
) -> None:
    assert deliver(issuer.sign(event()), HTTP_WEBHOOK_ID=sent).status_code == 200

    stored = WebhookEvent.objects.get()
    assert stored.headers == {"content-type": "application/jwt", "webhook-id": kept}
    assert stored.idempotency_key == idempotency_key("kinde", EVENT_ID)


def test_two_aliases_of_one_tenant__an_event_each(
    issuer: KindeIssuer, deliver: Deliver, settings: LazySettings
) -> None:
    config = settings.BILLING_WEBHOOKS_PROVIDERS
    settings.BILLING_WEBHOOKS_PROVIDERS = {**config, "kinde-eu": config["kinde"]}
    body = issuer.sign(event())

    assert [deliver(body, alias).status_code for alias in ("kinde", "kinde-eu")] == [200, 200]
    assert set(WebhookEvent.objects.values_list("provider", "deliveries")) == {
        ("kinde", 1),
        ("kinde-eu", 1),
    }


WRITTEN_TIMES = {
    "2026-03-02T10:30:00Z": "10:30:00",
    "2026-03-02T10:30:00+00:00": "10:30:00",
    "2026-03-02T12:30:00.779533843+02:00": "10:30:00.779533",
    "2026-03-02T10:30:00.779533+00": "10:30:00.779533",
    "2026-03-02 10:30:00.7+00": "10:30:00.700000",
    "2026-03-02T21:30:00+11": "10:30:00",
    "2026-03-02T05:00:00-0530": "10:30:00",
    "2026-03-02T10:30:00": "10:30:00",
}


@pytest.mark.parametrize(("text", "moment"), WRITTEN_TIMES.items(), ids=WRITTEN_TIMES.keys())
def test_event_timestamp__every_form(
    issuer: KindeIssuer, deliver: Deliver, text: str, moment: str
) -> None:
    deliver(issuer.sign(event(event_timestamp=text)))

    expected = datetime.fromisoformat(f"2026-03-02T{moment}+00:00")
    assert WebhookEvent.objects.get().occurred_at == expected


@pytest.mark.parametrize("value", [None, "yesterday", 1772447400, ["2026"], "0001-01-01T00:00+14"])
def test_unreadable_event_timestamp__time_of_the_payload(
    issuer: KindeIssuer, deliver: Deliver, value: Any
) -> None:
    built_at = datetime.now(UTC) - timedelta(hours=40)
    deliver(issuer.sign(event(event_timestamp=value, timestamp=built_at.isoformat())))

    assert WebhookEvent.objects.get().occurred_at == built_at


UNBELIEVABLE = {
    "missing": None,
    "empty": "",
    "garbage": "yesterday",
    "number": 1772447400,
    "huge-number": 10**400,
    "before-year-1": "0001-01-01T00:00:00+14:00",
    "year-1": "0001-01-01T00:00:00Z",
    "after-year-9999": "9999-12-31T23:59:59-14:00",
    "year-9999": "9999-12-31T23:59:59Z",
    "year-2099": "2099-01-01T00:00:00Z",
    "leap-second": "2016-12-31T23:59:60Z",
    "month-13": "2026-13-01T00:00:00Z",
    "other-digits": "\uff12026-03-02T10:30:00Z",
    "lone-surrogate": "2026-03-02T10:30:00\ud800",
}


@pytest.mark.parametrize("value", UNBELIEVABLE.values(), ids=UNBELIEVABLE.keys())
def test_unbelievable_time__arrival_stands_in(
    issuer: KindeIssuer, deliver: Deliver, value: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    assert deliver(issuer.sign(event(event_timestamp=value, timestamp=value))).status_code == 200

    stored = WebhookEvent.objects.get()
    assert stored.state == State.PROCESSED
    assert stored.occurred_at == stored.received_at
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]


def test_a_little_ahead__believed(issuer: KindeIssuer, deliver: Deliver) -> None:
    ahead = datetime.now(UTC) + timedelta(hours=23)
    deliver(issuer.sign(event(event_timestamp=ahead.isoformat())))

    assert WebhookEvent.objects.get().occurred_at == ahead


def test_late_retry__accepted_and_worked(issuer: KindeIssuer, deliver: Deliver) -> None:
    long_ago = datetime.now(UTC) - timedelta(hours=40)
    claims = kinde_event(TYPE, CHANGED_PLAN, occurred_at=long_ago)

    assert deliver(issuer.sign(claims)).status_code == 200
    assert WebhookEvent.objects.get().outcome == Outcome.APPLIED


def test_unstorable_text__cleaned_in_columns_kept_in_the_body(
    issuer: KindeIssuer, deliver: Deliver
) -> None:
    plan = {"code": "pro", "name": "P\0r\ud800o"}
    deliver(issuer.sign(event(data={**CHANGED_PLAN, "plan": plan})))

    assert WebhookEvent.objects.get().payload["data"]["plan"] == plan
    assert Plan.objects.get().name == "Pr\N{REPLACEMENT CHARACTER}o"


def test_long_text__cut_in_columns(issuer: KindeIssuer, deliver: Deliver) -> None:
    data = {
        **CHANGED_PLAN,
        "plan": {"code": "c" * 255, "name": "n" * 10_000},
        "customer": {"email": "e" * 10_000},
    }
    deliver(issuer.sign(event(data=data)))

    assert WebhookEvent.objects.get().state == State.PROCESSED
    assert (Plan.objects.get().name, Customer.objects.get().email) == ("n" * 255, "e" * 255)


@pytest.mark.parametrize(
    ("amount", "currency"),
    [
        ("999999999999999999.9999999", "EUR"),
        ("-999999999999999999.9999999", "EUR"),
        ("-999999999999999998.9999999", "EUR"),
        (10**18 - 2, "c" * 300),
        (1e300, ""),
        (0, "\0\ud800"),
    ],
    ids=["rounded-up", "rounded-down", "smallest", "largest", "huge", "zero"],
)
def test_odd_money__worked(
    issuer: KindeIssuer, deliver: Deliver, amount: Any, currency: str
) -> None:
    data = {"payment_id": "payment_1", "amount": amount, "currency": currency}
    deliver(issuer.sign(event(type="customer.payment_succeeded", data=data)))

    assert WebhookEvent.objects.get().state == State.PROCESSED


@pytest.mark.parametrize(
    "quantity", ["-999999999999999999.9999999", "-999999999999999998.9999999", "9e99", "-0"]
)
def test_odd_quantity__worked(issuer: KindeIssuer, deliver: Deliver, quantity: str) -> None:
    data = {"customer_id": CUSTOMER_ID, "meter_id": "calls", "quantity": quantity}
    deliver(issuer.sign(event(type="customer.meter_usage_updated", data=data)))

    assert WebhookEvent.objects.get().state == State.PROCESSED


@pytest.mark.parametrize(
    "data",
    [
        {"customer_id": "c" * 256},
        {"customer_id": CUSTOMER_ID, "plan": {"code": "pro\0"}},
        {"agreement_id": AGREEMENT_ID, "customer": {"id": "customer\ud800"}},
    ],
    ids=["too-long", "nul", "lone-surrogate"],
)
def test_id_that_would_name_somebody_else__kept_but_not_applied(
    issuer: KindeIssuer, deliver: Deliver, data: dict[str, Any]
) -> None:
    assert deliver(issuer.sign(event(data=data))).status_code == 200

    stored = WebhookEvent.objects.get()
    assert (stored.state, stored.attempts) == (State.DEAD, 1)
    assert not Customer.objects.exists()
