"""Rightly signed payloads that are no event, or are of somebody else."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from billing_webhooks.testing import KindeIssuer
from tests.catalogue.cases import (
    again,
    applied,
    kept,
    of_token,
    on_both,
    quarantined,
    refused,
    token_case,
)
from tests.kinde.deliveries import CHANGED_PLAN, json_bytes
from tests.kinde.events import TYPE, event
from tests.kinde.tokens import Make


def without(name: str, **claims: Any) -> bytes:
    return json_bytes({key: value for key, value in event(**claims).items() if key != name})


def in_text(old: str, new: str) -> bytes:
    """Return a genuine payload with something in its JSON replaced."""
    text = json.dumps(event())
    assert old in text
    return text.replace(old, new).encode()


def signed(payload: bytes) -> Make:
    """Make a token of any bytes, with the name of the tenant for ISSUER."""
    return lambda issuer: issuer.sign_bytes(payload.replace(b"ISSUER", issuer.url.encode()))


NO_JSON = "Its payload is not JSON"
NO_UTF8 = "Its payload is not JSON (UnicodeDecodeError)"
NO_OBJECT = "Its payload is no JSON object"
TWICE = "Its payload names a key twice"
NO_NUMBER = "Its payload is JSON with NaN or Infinity"
TOO_BIG = "Its payload is JSON with a number out of range"
NO_ID = "It has no usable event_id"
NO_TYPE = "It has no usable type"

# Authentic, so never refused, but not certain to say anything. Each comes twice and is kept once.
UNREADABLE: dict[tuple[int, str], dict[str, bytes]] = {
    (26, NO_JSON): {
        "empty": b"",
        "not-json": b"{",
        "another-token": b"eyJhbGciOiJSUzI1NiJ9.e30.c2ln",
    },
    (26, NO_OBJECT): {"array": b"[]", "text": b'"x"', "number": b"1", "null": b"null"},
    (26, NO_UTF8): {"invalid-utf8": in_text("Pro", "P").replace(b'"P"', b'"\xff"')},
    (27, NO_UTF8): {
        "utf16": json.dumps(event()).encode("utf-16"),
        "utf32": json.dumps(event()).encode("utf-32"),
    },
    (28, TWICE): {
        "event-id-twice": in_text('"type"', '"event_id": "event_2", "type"'),
        "plan-code-twice": in_text('"code"', '"code": "other", "code"'),
    },
    (29, NO_NUMBER): {"nan": in_text('"Pro"', "NaN"), "infinity": in_text('"Pro"', "-Infinity")},
    (29, TOO_BIG): {
        "out-of-range": in_text('"Pro"', "1e400"),
        "beyond-decimal": in_text('"Pro"', "1e-99999999999999999999"),
        "exp-out-of-range": in_text('"type"', '"exp": 1e400, "type"'),
    },
    (30, NO_JSON): {"5000-digits": in_text('"Pro"', "1" * 5000)},
    (31, NO_JSON): {"nested": in_text('"Pro"', "[" * 100_000)},
    (31, "Its payload is JSON nested deeper"): {
        "nested-and-closed": in_text('"Pro"', "[" * 100 + "]" * 100)
    },
    (38, NO_ID): {
        "event-id-missing": without("event_id"),
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
                "150-kb": "e" * 150_000,
                "nul": "event\0",
                "lone-surrogate": "event\ud800",
            }.items()
        },
    },
    (41, NO_TYPE): {
        "type-missing": without("type"),
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
    },
}

ACCESS_TOKEN: dict[str, Any] = {
    "aud": ["https://api.example.org"],
    "azp": "client",
    "exp": 4102444800,
    "iat": 1700000000,
    "iss": "ISSUER",
    "jti": "a",
    "org_code": "org_1",
    "scp": ["openid"],
    "sub": "kp_1",
}
# Access, ID and machine tokens, as Kinde makes them, and what is somebody else's.
NO_WEBHOOKS: dict[tuple[int, str], dict[str, dict[str, Any]]] = {
    (33, "expired"): {
        "expired": event(exp=1700000000),
        "expired-with-a-fraction": event(exp=1700000000.5),
        "expired-below-zero": event(exp=-1),
    },
    (36, "issuer"): {
        "other-issuer": event(iss="https://other.kinde.com"),
        "issuer-is-a-prefix": event(iss="ISSUER.example.org"),
        "issuer-is-a-list": event(iss=["ISSUER"]),
        "issuer-is-empty": event(iss=""),
    },
    (37, "not_a_webhook"): {
        "access-token": ACCESS_TOKEN,
        "id-token": {
            "aud": ["client"],
            "email": "a.customer@example.org",
            "iss": "ISSUER",
            "sub": "kp_1",
        },
        "machine-token": {
            "aud": [],
            "gty": ["client_credentials"],
            "iss": "ISSUER",
            "scope": "",
        },
        "token-with-a-claim-named-type": {"iss": "ISSUER", "sub": "kp_1", "type": TYPE},
        "token-with-data-and-type": {"sub": "kp_1", "type": TYPE, "data": CHANGED_PLAN},
        "nothing": {},
    },
}
EXPIRED = ("1.5e9", "1500000000.0", "15e8", "-1e-9")

# Kinde sends none of these claims; what it may send one day must not shut it out.
HARMLESS: dict[int, dict[str, dict[str, Any]]] = {
    33: {"expires-later": {"exp": 4102444800}, "expires-far": {"exp": 10**300}},
    35: {
        "audience": {"aud": 7},
        "audience-of-somebody": {"aud": "client"},
        "subject-and-id": {"sub": 7, "jti": 7},
        "new-claims": {"ip_address": "192.0.2.1", "new": {"deeply": [None]}},
        "source-new": {"source": "somebody"},
    },
    36: {"issuer": {"iss": "ISSUER"}, "issuer-with-slash": {"iss": "ISSUER/"}, "no": {"iss": None}},
}
NOTHING_TO_APPLY: dict[int, dict[str, bytes]] = {
    38: {"data-null": json_bytes(event(data=None)), "data-list": json_bytes(event(data=[]))},
    41: {
        "type-unknown": json_bytes(event(type="customer.moved_to_the_moon")),
        "type-100-characters": json_bytes(event(type="t" * 100)),
        "type-1-character": json_bytes(event(type="t")),
        "type-with-a-surrogate": json_bytes(event(type="t\ud800")),
    },
}


def expiring(notation: str) -> Make:
    payload = json.dumps(event(exp="EXPIRY")).replace('"EXPIRY"', notation)
    return signed(payload.encode())


def expired_by(seconds: int) -> Make:
    def make(issuer: KindeIssuer) -> bytes:
        return issuer.sign(event(exp=int(datetime.now(UTC).timestamp()) - seconds))

    return make


CASES = [
    *(
        token_case(
            row,
            name,
            signed(payload),
            again(quarantined(200, reason)),
            before=((of_token(signed(payload)), 200),),
        )
        for (row, reason), payloads in UNREADABLE.items()
        for name, payload in payloads.items()
    ),
    *(
        token_case(row, name, signed(json_bytes(claims)), on_both(refused(401, reason)))
        for (row, reason), tokens in NO_WEBHOOKS.items()
        for name, claims in tokens.items()
    ),
    *(
        token_case(33, f"exp-{notation}", expiring(notation), refused(401, "expired"))
        for notation in EXPIRED
    ),
    token_case(33, "expired-within-the-leeway", expired_by(200), applied()),
    token_case(33, "expired-beyond-the-leeway", expired_by(400), refused(401, "expired")),
    *(
        token_case(row, name, signed(json_bytes(event(**claims))), applied())
        for row, tokens in HARMLESS.items()
        for name, claims in tokens.items()
    ),
    *(
        token_case(row, name, signed(payload), kept())
        for row, payloads in NOTHING_TO_APPLY.items()
        for name, payload in payloads.items()
    ),
    token_case(27, "byte-order-mark", signed(b"\xef\xbb\xbf" + json_bytes(event())), applied()),
    token_case(
        32,
        "unstorable-text",
        signed(in_text('"Pro"', r'"P\u0000r\ud800o"')),
        on_both(applied()),
    ),
]
