"""What is proven is kept, whatever it is."""

from __future__ import annotations

import codecs
import logging
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from billing_webhooks.models import Customer, Mailbox, Payment, WebhookEvent
from billing_webhooks.testing import billabear_body
from tests.billabear.deliveries import (
    CONTENT,
    CUSTOMER,
    CUSTOMER_ID,
    PAYMENT_ID,
    PLAN,
    subscription,
)
from tests.conftest import SECRET, PostBillaBear

pytestmark = pytest.mark.django_db

State = WebhookEvent.State
TEXT = f'{{"type":"customer_created","customer":{{"id":"{CUSTOMER_ID}"}}}}'


def send(client: Client, body: bytes, **headers: str) -> Any:
    return client.post(
        f"/webhooks/billabear/{SECRET}", body, content_type="text/plain", headers=headers
    )


def deep(levels: int) -> bytes:
    return b'{"type":"moon_landed","deep":' + b"[" * levels + b"]" * levels + b"}"


def payment(amount: str) -> bytes:
    return (
        f'{{"type":"payment_received","id":"{PAYMENT_ID}","customer":null,"amount":{amount}}}'
    ).encode()


NO_EVENTS = {
    "empty": b"",
    "whitespace": b" \r\n\t",
    "null": b"null",
    "true": b"true",
    "number": b"1",
    "text": b'"x"',
    "empty list": b"[]",
    "list": b"[1]",
    "list of events": b"[%s]" % TEXT.encode(),
    "two documents": TEXT.encode() * 2,
    "trailing comma": TEXT[:-1].encode() + b",}",
    "comment": TEXT.encode() + b" // no",
    "single quotes": TEXT.replace('"', "'").encode(),
    "hex": b'{"type":"moon_landed","a":0x10}',
    "plus": b'{"type":"moon_landed","a":+1}',
    "leading zero": b'{"type":"moon_landed","a":01}',
    "no-break space": b"\xc2\xa0" + TEXT.encode(),
    "raw NUL in a text": b'{"type":"moon\0landed"}',
    "raw tab in a text": b'{"type":"moon\tlanded"}',
    "NUL behind": TEXT.encode() + b"\0",
    "UTF-16": TEXT.encode("utf-16"),
    "UTF-16 without a mark": TEXT.encode("utf-16-le"),
    "UTF-32": TEXT.encode("utf-32"),
    "two byte order marks": codecs.BOM_UTF8 * 2 + TEXT.encode(),
    "invalid UTF-8": b'{"type":"moon_landed\xff"}',
    "encoded surrogate": b'{"type":"moon_landed\xed\xa0\x80"}',
    "NaN": b'{"type":"moon_landed","a":NaN}',
    "Infinity": b'{"type":"moon_landed","a":-Infinity}',
    "beyond a double": b'{"type":"moon_landed","a":1e400}',
    "4301 digits": payment("9" * 4301),
    "1,000 levels": deep(1_000),
    "3,000 levels": deep(3_000),
    "100,000 levels": deep(100_000),
    "repeated type": b'{"type":"moon_landed","type":"customer_created"}',
    "repeated id": TEXT.encode().replace(b'"id"', b'"id":"x","id"'),
    "PDF": b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n",
    "XML": b"<?xml version='1.0'?><Invoice/>",
    "no type": b"{}",
    "null type": b'{"type":null}',
    "number for a type": b'{"type":5}',
    "list for a type": b'{"type":["customer_created"]}',
    "empty type": b'{"type":""}',
    "type of NUL": rb'{"type":"\u0000"}',
    "type of 101 characters": billabear_body("x" * 101),
    "no customer": billabear_body("customer_created"),
    "null customer": billabear_body("customer_created", customer=None),
    "customer is a text": billabear_body("customer_created", customer=CUSTOMER_ID),
    "customer is a list": billabear_body("customer_created", customer=[CUSTOMER]),
    "customer without id": billabear_body("customer_created", customer={"email": "a@b.c"}),
    "subscription without customer": billabear_body(
        "subscription_updated", subscription=subscription("active")
    ),
    "no subscription": billabear_body("trial_started", customer=CUSTOMER),
    "null subscription": billabear_body("trial_ended", customer=CUSTOMER, subscription=None),
    "no plan": billabear_body("plan_created"),
    "plan is a text": billabear_body("plan_updated", plan="Pro"),
    "payment without id": billabear_body("payment_received", customer=CUSTOMER, amount=1),
    "payment's customer is a text": billabear_body(
        "payment_received", **CONTENT["payment_received"] | {"customer": "x"}
    ),
}


@pytest.mark.parametrize("body", NO_EVENTS.values(), ids=NO_EVENTS)
def test_no_event__refused_and_kept(
    client: Client, caplog: pytest.LogCaptureFixture, body: bytes
) -> None:
    caplog.set_level(logging.INFO)
    response = send(client, body)

    event = WebhookEvent.objects.get()
    assert (response.status_code, response.content) == (400, b"")
    assert bytes(event.body) == body
    assert (event.state, event.event_type, event.trust) == (State.QUARANTINED, "", "secret")
    assert 0 < len(event.last_error) < 200
    assert event.attempts == 0
    assert event.next_attempt_at is None
    assert not Mailbox.objects.exists()
    assert not Customer.objects.exists()
    assert_one_short_record(caplog, body)


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


def assert_one_short_record(caplog: pytest.LogCaptureFixture, body: bytes) -> None:
    (record,) = caplog.records
    message = record.getMessage()
    assert record.levelno == logging.ERROR
    assert WebhookEvent.objects.get().last_error in message
    assert len(message) < 300
    assert message.isprintable()
    assert record.exc_info is None
    assert len(body) < 10 or body.decode(errors="replace") not in message


IDS = {
    "number": 5,
    "true": True,
    "null": None,
    "empty": "",
    "list": [CUSTOMER_ID],
    "object": {"id": CUSTOMER_ID},
    "upper case": CUSTOMER_ID.upper(),
    "no hyphens": CUSTOMER_ID.replace("-", ""),
    "newline behind": CUSTOMER_ID + "\n",
    "NUL behind": CUSTOMER_ID + "\0",
    "path": f"../{CUSTOMER_ID}",
    "SQL": "' OR 1=1 --",
    "other digits": CUSTOMER_ID.replace("0", "\uff10"),
    "10 KB": "0" * 10_000,
}


@pytest.mark.parametrize("wrong", IDS.values(), ids=IDS)
@pytest.mark.parametrize(
    ("event_type", "name"),
    [
        ("customer_updated", "customer"),
        ("subscription_updated", "subscription"),
        ("subscription_updated", "customer"),
        ("plan_updated", "plan"),
        ("payment_received", "customer"),
    ],
)
def test_id_that_is_no_uuid__quarantined(
    post_billabear: PostBillaBear, event_type: str, name: str, wrong: object
) -> None:
    content = CONTENT[event_type]
    content = content | {name: content[name] | {"id": wrong}}

    assert post_billabear(event_type, **content).status_code == 400
    assert WebhookEvent.objects.get().state == State.QUARANTINED


@pytest.mark.parametrize("wrong", IDS.values(), ids=IDS)
def test_payment_id_that_is_no_uuid__quarantined(
    post_billabear: PostBillaBear, wrong: object
) -> None:
    content = CONTENT["payment_received"] | {"id": wrong}

    assert post_billabear("payment_received", **content).status_code == 400
    assert WebhookEvent.objects.get().idempotency_key is None


def test_same_unreadable_body_twice__two_in_quarantine(client: Client) -> None:
    send(client, b"[]")
    send(client, b"[]")

    assert WebhookEvent.objects.filter(state=State.QUARANTINED, deliveries=1).count() == 2


@pytest.mark.parametrize("encoding", ["gzip", "br", "x-unknown", "gzip, identity"])
def test_compressed__quarantined_as_it_came(client: Client, encoding: str) -> None:
    body = b"\x1f\x8b\x08\0\0\0\0\0\0\x03" + TEXT.encode()

    response = send(client, body, **{"Content-Encoding": encoding})

    event = WebhookEvent.objects.get()
    assert response.status_code == 400
    assert (event.state, bytes(event.body)) == (State.QUARANTINED, body)


@pytest.mark.parametrize("encoding", ["identity", "Identity", " identity ", ""])
def test_not_compressed__accepted(client: Client, encoding: str) -> None:
    assert send(client, TEXT.encode(), **{"Content-Encoding": encoding}).status_code == 200


EVENTS = {
    "byte order mark": codecs.BOM_UTF8 + TEXT.encode(),
    "whitespace around": b" \r\n" + TEXT.encode() + b"\n",
    "unused key twice": TEXT[:-1].encode() + b',"x":1,"x":2}',
    "NUL in a key": TEXT[:-1].encode() + rb',"x\u0000":1}',
    "surrogate in a key": TEXT[:-1].encode() + rb',"\ud800":1}',
    "4,300 digits": TEXT[:-1].encode() + b',"x":' + b"9" * 4300 + b"}",
    "NUL in the type": TEXT.encode().replace(b"_created", rb"\u0000_created"),
}


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


AMOUNTS = {
    "4,300 digits": "9" * 4300,
    "2**63": str(2**63),
    "10**18": str(10**18),
    "fraction": "19.99",
    "whole fraction": "19.0",
    "exponent": "1e3",
    "text": '"30"',
    "true": "true",
    "null": "null",
    "negative": "-1",
    "list": "[1]",
    "object": "{}",
}


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
    assert (customer.user_id, customer.organization_code) == (None, "")
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
