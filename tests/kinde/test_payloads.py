"""What a rightly signed payload is: an event, one for quarantine, or no webhook at all."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import Any

import pytest

from billing_webhooks.models import Customer, WebhookEvent
from billing_webhooks.testing import KindeIssuer
from tests.kinde.conftest import Deliver
from tests.kinde.deliveries import CHANGED_PLAN, json_bytes
from tests.kinde.events import TYPE, event

pytestmark = pytest.mark.django_db

State = WebhookEvent.State
Outcome = WebhookEvent.Outcome


def without(*names: str, **claims: Any) -> dict[str, Any]:
    return {name: value for name, value in event(**claims).items() if name not in names}


def in_text(old: str, new: str) -> bytes:
    """Return a genuine payload with something in its JSON replaced."""
    text = json.dumps(event())
    assert old in text
    return text.replace(old, new).encode()


# Authentic, so never refused, but not certain to say anything.
UNREADABLE: dict[str, bytes] = {
    "empty": b"",
    "not-json": b"{",
    "array": b"[]",
    "text": b'"x"',
    "number": b"1",
    "null": b"null",
    "another-token": b"eyJhbGciOiJSUzI1NiJ9.e30.c2ln",
    "invalid-utf8": in_text("Pro", "P").replace(b'"P"', b'"\xff"'),
    "utf16": json.dumps(event()).encode("utf-16"),
    "utf32": json.dumps(event()).encode("utf-32"),
    "event-id-twice": in_text('"type"', '"event_id": "event_2", "type"'),
    "plan-code-twice": in_text('"code"', '"code": "other", "code"'),
    "nan": in_text('"Pro"', "NaN"),
    "infinity": in_text('"Pro"', "-Infinity"),
    "out-of-range": in_text('"Pro"', "1e400"),
    "beyond-decimal": in_text('"Pro"', "1e-99999999999999999999"),
    "5000-digits": in_text('"Pro"', "1" * 5000),
    "nested": in_text('"Pro"', "[" * 100_000),
    "nested-and-closed": in_text('"Pro"', "[" * 100 + "]" * 100),
    "event-id-missing": json_bytes(without("event_id")),
    **{
        f"event-id-{name}": json_bytes(event(event_id=value))
        for name, value in {
            "null": None,
            "empty": "",
            "list": ["a"],
            "dict": {"a": 1},
            "true": True,
            "fraction": 1.5,
            "256-characters": "e" * 256,
            "200-kb": "e" * 150_000,
            "nul": "event\0",
            "lone-surrogate": "event\ud800",
        }.items()
    },
    "type-missing": json_bytes(without("type")),
    **{
        f"type-{name}": json_bytes(event(type=value))
        for name, value in {
            "null": None,
            "empty": "",
            "number": 1,
            "list": [TYPE],
            "101-characters": "t" * 101,
            "10-kb": "t" * 10_000,
            "nul": "\0",
        }.items()
    },
}


@pytest.mark.parametrize("payload", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_unreadable__quarantined_once(
    issuer: KindeIssuer, deliver: Deliver, payload: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    body = issuer.sign_bytes(payload)
    assert deliver(body).status_code == 200
    assert deliver(body).status_code == 200

    stored = WebhookEvent.objects.get()
    assert (stored.state, stored.deliveries, stored.attempts) == (State.QUARANTINED, 2, 0)
    assert (bytes(stored.body), stored.event_type, stored.external_id) == (body, "", "")
    assert stored.last_error
    assert [record.levelname for record in caplog.records] == ["ERROR", "ERROR"]
    assert all(stored.last_error in message for message in caplog.messages)


def test_ambiguous__not_applied(issuer: KindeIssuer, deliver: Deliver) -> None:
    deliver(issuer.sign_bytes(UNREADABLE["plan-code-twice"]))

    assert not Customer.objects.exists()


@pytest.mark.parametrize("length", [1, 100])
def test_type__up_to_its_column(issuer: KindeIssuer, deliver: Deliver, length: int) -> None:
    assert deliver(issuer.sign(event(type="t" * length))).status_code == 200

    stored = WebhookEvent.objects.get()
    assert (stored.state, stored.outcome) == (State.PROCESSED, Outcome.UNHANDLED)
    assert stored.event_type == "t" * length


def test_byte_order_mark__passed_over(issuer: KindeIssuer, deliver: Deliver) -> None:
    deliver(issuer.sign_bytes(b"\xef\xbb\xbf" + json_bytes(event())))

    assert WebhookEvent.objects.get().state == State.PROCESSED


# Access, ID and machine tokens, as Kinde makes them, and what is somebody else's.
NO_WEBHOOKS: dict[str, dict[str, Any]] = {
    "access-token": {
        "aud": ["https://api.example.org"],
        "azp": "client",
        "exp": 4102444800,
        "iat": 1700000000,
        "iss": "ISSUER",
        "jti": "a",
        "org_code": "org_1",
        "scp": ["openid"],
        "sub": "kp_1",
    },
    "id-token": {"aud": ["client"], "email": "a@example.org", "iss": "ISSUER", "sub": "kp_1"},
    "machine-token": {"aud": [], "gty": ["client_credentials"], "iss": "ISSUER", "scope": ""},
    "token-with-a-claim-named-type": {"iss": "ISSUER", "sub": "kp_1", "type": TYPE},
    "token-with-data-and-type": {"sub": "kp_1", "type": TYPE, "data": CHANGED_PLAN},
    "nothing": {},
    "other-issuer": event(iss="https://other.kinde.com"),
    "issuer-is-a-prefix": event(iss="ISSUER.example.org"),
    "issuer-is-a-list": event(iss=["ISSUER"]),
    "issuer-is-empty": event(iss=""),
    "expired": event(exp=1700000000),
    "expired-with-a-fraction": event(exp=1700000000.5),
    "expired-below-zero": event(exp=-1),
}


@pytest.mark.parametrize("claims", NO_WEBHOOKS.values(), ids=NO_WEBHOOKS.keys())
def test_no_webhook__refused(issuer: KindeIssuer, deliver: Deliver, claims: dict[str, Any]) -> None:
    payload = json.dumps(claims).replace("ISSUER", issuer.url).encode()

    assert deliver(issuer.sign_bytes(payload)).status_code == 401
    assert not WebhookEvent.objects.exists()


@pytest.mark.parametrize("expiry", ["1.5e9", "1500000000.0", "15e8", "-1e-9"])
def test_expiry__in_every_notation_of_a_number(
    issuer: KindeIssuer, deliver: Deliver, expiry: str
) -> None:
    payload = json.dumps(event(exp="EXPIRY")).replace('"EXPIRY"', expiry).encode()

    assert deliver(issuer.sign_bytes(payload)).status_code == 401


# Kinde sends none of these claims; what it may send one day must not shut it out.
HARMLESS: dict[str, dict[str, Any]] = {
    "issuer": {"iss": "ISSUER"},
    "issuer-with-slash": {"iss": "ISSUER/"},
    "issuer-null": {"iss": None},
    "expires-later": {"exp": 4102444800},
    "expires-far": {"exp": 10**300},
    "expiry-text": {"exp": "abc"},
    "expiry-null": {"exp": None},
    "expiry-list": {"exp": []},
    "expiry-true": {"exp": True},
    "issued-ahead": {"iat": 4102444800, "nbf": 4102444800},
    "audience": {"aud": 7},
    "subject-and-id": {"sub": 7, "jti": 7},
    "data-null": {"data": None},
    "data-list": {"data": []},
    "new-claims": {"ip_address": "192.0.2.1", "new": {"deeply": [None]}},
    "source-new": {"source": "somebody"},
}


@pytest.mark.parametrize("claims", HARMLESS.values(), ids=HARMLESS.keys())
def test_harmless_claims__accepted(
    issuer: KindeIssuer, deliver: Deliver, claims: dict[str, Any]
) -> None:
    payload = json.dumps(event(**claims)).replace("ISSUER", issuer.url).encode()

    assert deliver(issuer.sign_bytes(payload)).status_code == 200
    assert WebhookEvent.objects.get().state == State.PROCESSED


def test_expiry__five_minutes_of_leeway(issuer: KindeIssuer, deliver: Deliver) -> None:
    now = int(datetime.now(UTC).timestamp())

    assert deliver(issuer.sign(event(exp=now - 200))).status_code == 200
    assert deliver(issuer.sign(event(exp=now - 400))).status_code == 401
