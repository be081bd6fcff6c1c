"""What is proven is kept, whatever it is."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from billing_webhooks.models import Customer, Payment, WebhookEvent
from billing_webhooks.testing import billabear_body
from tests.billabear.bodies import AMOUNTS, EVENTS, TEXT, payment
from tests.billabear.deliveries import CONTENT, CUSTOMER, CUSTOMER_ID, PLAN
from tests.conftest import SECRET, PostBillaBear

pytestmark = pytest.mark.django_db

State = WebhookEvent.State


def send(client: Client, body: bytes, **headers: str) -> Any:
    return client.post(
        f"/webhooks/billabear/{SECRET}", body, content_type="text/plain", headers=headers
    )


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"no", "not JSON (JSONDecodeError)."),
        (b"\xff", "not JSON (UnicodeDecodeError)."),
        (b"[1e400]", "JSON with a number out of range."),
        (b"[1e-99999999999999999999]", "JSON with a number out of range."),
        (b"[NaN]", "JSON with NaN or Infinity, which are no numbers."),
        (b"[" * 99 + b"]" * 99, "JSON nested deeper than 64 levels."),
        (b"[]", "no JSON object."),
    ],
)
def test_no_event__reason_can_be_read(client: Client, body: bytes, problem: str) -> None:
    send(client, body)

    assert WebhookEvent.objects.get().last_error == f"The body is {problem}"


def test_same_unreadable_body_twice__two_in_quarantine(client: Client) -> None:
    send(client, b"[]")
    send(client, b"[]")

    assert WebhookEvent.objects.filter(state=State.QUARANTINED, deliveries=1).count() == 2


@pytest.mark.parametrize("body", EVENTS.values(), ids=EVENTS)
def test_odd_but_clear__applied(client: Client, body: bytes) -> None:
    assert send(client, body).status_code == 200

    event = WebhookEvent.objects.get()
    assert (event.state, event.outcome) == (State.PROCESSED, WebhookEvent.Outcome.APPLIED)
    assert event.event_type == "customer_created"
    assert bytes(event.body) == body
    assert Customer.objects.get().external_id == CUSTOMER_ID


def test_nul_in_a_known_type__is_still_known_by_its_id(client: Client) -> None:
    body = payment("3000")
    send(client, body)
    send(client, body.replace(b"_received", rb"_received\u0000"))

    assert WebhookEvent.objects.get().deliveries == 2


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        (r"a\u0000b@example.org", "ab@example.org"),
        (r"a\ud800b@example.org", "a\N{REPLACEMENT CHARACTER}b@example.org"),
        (r"\ud83d\ude00@example.org", "\U0001f600@example.org"),
        ("x" * 10_000, "x" * 255),
        ("<script>alert(1)<\\/script>", "<script>alert(1)</script>"),
        ("=HYPERLINK(1)", "=HYPERLINK(1)"),
    ],
    ids=["NUL", "lone surrogate", "surrogate pair", "too long", "script", "formula"],
)
def test_text__stored_as_far_as_it_can_be(client: Client, sent: str, stored: str) -> None:
    body = TEXT.replace("}}", f',"email":"{sent}"}}}}').encode()

    assert send(client, body).status_code == 200
    assert Customer.objects.get().email == stored
    assert bytes(WebhookEvent.objects.get().body) == body


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ("moon_landed", "moon_landed"),
        ("x" * 100, "x" * 100),
        ("a\ud800", "a\N{REPLACEMENT CHARACTER}"),
    ],
    ids=["unknown", "longest", "surrogate"],
)
def test_unknown_type__kept(client: Client, sent: str, stored: str) -> None:
    assert send(client, billabear_body(sent, customer=7)).status_code == 200

    event = WebhookEvent.objects.get()
    assert event.event_type == stored
    assert (event.state, event.outcome) == (State.PROCESSED, WebhookEvent.Outcome.UNHANDLED)


@pytest.mark.parametrize("amount", AMOUNTS.values(), ids=AMOUNTS)
def test_amount_that_is_no_money__event_dead_and_no_row(client: Client, amount: str) -> None:
    assert send(client, payment(amount)).status_code == 200

    event = WebhookEvent.objects.get()
    assert event.state == State.DEAD
    assert event.attempts == 1
    assert "amount" in event.last_error
    assert not Payment.objects.exists()


def test_missing_amount__event_dead_and_no_customer(post_billabear: PostBillaBear) -> None:
    content = CONTENT["payment_received"] | {"amount": None}

    assert post_billabear("payment_received", **content).status_code == 200
    assert WebhookEvent.objects.get().state == State.DEAD
    assert not Customer.objects.exists()


@pytest.mark.parametrize("amount", [0, 1, 3000, 10**15 - 1])
def test_amount__stored_exactly(client: Client, amount: int) -> None:
    send(client, payment(str(amount)))

    row = Payment.objects.get()
    assert (row.amount, row.amount_unit, row.currency) == (Decimal(amount), "minor", None)


def test_fields_of_our_own__change_nothing(post_billabear: PostBillaBear) -> None:
    names = {
        "pk": 5,
        "user_id": 1,
        "provider": "kinde",
        "registers": {"email": ["9999", "x", "y"]},
        "is_staff": True,
        "__class__": "x",
        "_state": "x",
        "organization_code": "org_1",
    }
    post_billabear("customer_created", customer=CUSTOMER | names, **names)

    customer = Customer.objects.get()
    assert (customer.provider, customer.external_id) == ("billabear", CUSTOMER_ID)
    assert (customer.links.count(), customer.organization_code) == (0, "")
    [said] = customer.registers.values()
    assert set(said) == {"external_id", "email", "brand", "is_disabled"}


@pytest.mark.parametrize(
    ("event_type", "key", "value"),
    [
        ("customer_updated", "email", 5),
        ("customer_updated", "brand", ["x"]),
        ("customer_updated", "is_disabled", "yes"),
        ("subscription_updated", "status", 5),
        ("subscription_updated", "plan_name", {}),
        ("plan_updated", "name", True),
        ("plan_updated", "code", 7),
        ("plan_updated", "has_trial", "no"),
        ("plan_updated", "trial_length_in_days", "two weeks"),
        ("plan_updated", "trial_length_in_days", -1),
        ("plan_updated", "trial_length_in_days", 10**30),
        ("plan_updated", "standalone_trial", 1),
    ],
)
def test_odd_value_beside_a_right_id__says_nothing(
    post_billabear: PostBillaBear, event_type: str, key: str, value: object
) -> None:
    name = event_type.partition("_")[0]
    post_billabear(event_type, **CONTENT[event_type])
    content = CONTENT[event_type]

    response = post_billabear(event_type, **content | {name: content[name] | {key: value}})

    event = WebhookEvent.objects.order_by("-id")[0]
    assert response.status_code == 200
    assert event.state == State.PROCESSED
    assert not any(change["fields"] for change in event.changes)


def test_unknown_type__its_objects_are_not_asked_for(post_billabear: PostBillaBear) -> None:
    assert post_billabear("plan_landed", plan=PLAN | {"id": "x"}).status_code == 200
