"""Key sets that cannot be had, hold nothing, change, or hold too much."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from itertools import chain, repeat
from typing import Any

from jwt.algorithms import RSAAlgorithm

from billing_webhooks.testing import KindeIssuer
from tests.catalogue.cases import (
    DONE,
    FETCHING,
    REPEATING,
    STORING,
    Case,
    Expected,
    applied,
    of_token,
    on_gunicorn,
    refused,
)
from tests.catalogue.kinde_headers import of_kid
from tests.kinde import origin
from tests.kinde.events import event
from tests.kinde.keys.answers import USELESS
from tests.kinde.keys.conftest import OTHER
from tests.kinde.tokens import EVENT
from tests.kinde.tokens import Make as MakeToken

Keys = Callable[[KindeIssuer], origin.Answer]
PRIVATE = "ERROR billing_webhooks.providers.kinde.jwk"
CANNOT_FETCH = refused(503, "keys_unavailable", FETCHING)
TOO_SOON = refused(503, "unknown_kid_too_soon")


def genuine(issuer: KindeIssuer) -> bytes:
    return issuer.sign(EVENT)


def later(issuer: KindeIssuer) -> bytes:
    return issuer.sign(event(event_id="event_later"))


def of_successor(issuer: KindeIssuer) -> bytes:
    return OTHER.sign(EVENT)


def good(issuer: KindeIssuer) -> origin.Answer:
    return origin.answer(issuer.jwks)


def always(answer: origin.Answer) -> Keys:
    return lambda issuer: answer


def of_entries(*make: Callable[[KindeIssuer], Any]) -> Keys:
    """Return a set of these entries."""
    return lambda issuer: origin.answer(
        json.dumps({"keys": [entry(issuer) for entry in make]}).encode()
    )


def tenant_s(**members: Any) -> Callable[[KindeIssuer], Any]:
    """Make the entry of the tenant's key with members replaced or, by None, left out."""

    def make(issuer: KindeIssuer) -> dict[str, Any]:
        entry = {**issuer.public_jwk(), **members}
        return {name: value for name, value in entry.items() if value is not None}

    return make


def in_turn(*keys: Keys) -> Keys:
    """Return one answer after the other, the last one from then on."""

    def make(issuer: KindeIssuer) -> origin.Answer:
        *answers, last = (each(issuer) for each in keys)
        to_come = chain(answers, repeat(last))

        def pieces() -> Iterable[bytes]:
            answer = next(to_come)
            yield from [answer] if isinstance(answer, bytes) else answer()

        return pieces

    return make


def case(
    row: int,
    name: str,
    keys: Keys,
    expected: Expected,
    *before: tuple[MakeToken, int],
    make: MakeToken = genuine,
    fetches: int = 1,
    keys_url: str = "",
) -> Case:
    alias = f"kinde-keys-{row}-{name}"
    return Case(
        (row,),
        f"keys-{name}",
        of_token(make, alias),
        on_gunicorn(expected),
        before=tuple((of_token(token, alias), status) for token, status in before),
        alias=alias,
        keys=keys,
        keys_url=keys_url,
        fetches=fetches,
    )


ROWS = {
    50: ("html", "empty", "204"),
    51: ("gzip", "invalid-utf8", "utf16"),
    52: ("reset",),
    53: ("nested", "5000-digits"),
    54: ("huge", "endless"),
    57: ("redirect", "permanent-redirect"),
    61: ("secret-key",),
}
ROW_OF = {name: row for row, names in ROWS.items() for name in names}
NO_SET = ("array", "null")


def row_of(name: str) -> int:
    of_the_form = 56 if name in NO_SET or name.startswith("keys-") else 49
    return ROW_OF.get(name, of_the_form)


# Without a key nothing can be decided; with one the old set goes on.
USELESS_CASES = [
    *(
        case(row_of(name), f"{name}-cold", always(answer), CANNOT_FETCH)
        for name, answer in USELESS.items()
    ),
    *(
        case(
            row_of(name),
            f"{name}-warm",
            in_turn(good, always(answer)),
            Expected(200, ("processed",) * 2, touched=True, log=(STORING, DONE)),
            (genuine, 200),
            (of_kid("nobody-s"), 503),
            make=later,
            fetches=0,
        )
        for name, answer in USELESS.items()
    ),
    *(
        case(row, name, good, CANNOT_FETCH, keys_url=url, fetches=0)
        for row, name, url in (
            (49, "refused", "http://127.0.0.1:1/refused"),
            (49, "tls-refused", "https://127.0.0.1:1/refused"),
            (49, "no-such-host", "https://a..example/"),
            (49, "impossible-port", "https://127.0.0.1:99999/"),
            (58, "http-elsewhere", "http://acme.kinde.com/"),
            (58, "file", "file://localhost/etc/passwd"),
            (58, "ftp", "ftp://127.0.0.1/keys"),
        )
    ),
]

SMALL = "w" * 171
UNUSABLE: dict[str, dict[str, Any]] = {
    "no-kid": {"kid": None},
    "kty-ec": {"kty": "EC"},
    "use-enc": {"use": "enc"},
    "key-ops-encrypt": {"key_ops": ["encrypt"]},
    "alg-rs512": {"alg": "RS512"},
    "1024-bits": {"n": SMALL},
    "64-kbit": {"n": "_" * 10_923},
    "e-1": {"e": "AQ"},
    "e-even": {"e": "AQAA"},
    "n-no-base64": {"n": "\u00e9" * 342},
}


def private(issuer: KindeIssuer) -> dict[str, Any]:
    jwk = RSAAlgorithm.to_jwk(issuer.key, as_dict=True)
    return {**{name: value for name, value in jwk.items() if name != "key_ops"}, "kid": issuer.kid}


def wrong(issuer: KindeIssuer) -> dict[str, Any]:
    return {**OTHER.public_jwk(), "kid": issuer.kid}


KEYS = [
    *(
        case(61, name, of_entries(tenant_s(**members)), CANNOT_FETCH)
        for name, members in UNUSABLE.items()
    ),
    case(
        61,
        "private-key-published",
        of_entries(private),
        Expected(
            200,
            ("processed",),
            touched=True,
            log=(STORING, DONE, "ERROR billing_webhooks.providers.kinde.jwk"),
        ),
    ),
    case(61, "unusable-beside-a-good-one", of_entries(tenant_s(use="enc"), tenant_s()), applied()),
    case(60, "wrong-key-of-that-kid-first", of_entries(*[wrong] * 3, tenant_s()), applied()),
    case(
        60,
        "too-many-wrong-keys-first",
        of_entries(*[wrong] * 4, tenant_s()),
        refused(401, "signature"),
    ),
]


def unknown(number: int) -> tuple[MakeToken, int]:
    return of_kid(f"kid-{number}"), 503


CHANGES = [
    case(
        59,
        "keys-vanish",
        in_turn(good, always(origin.answer(OTHER.jwks))),
        Expected(200, ("processed",) * 2, touched=True, log=(STORING, DONE)),
        (genuine, 200),
        (of_kid("nobody-s"), 401),
        make=later,
        fetches=0,
    ),
    case(
        62,
        "flood-of-kids",
        good,
        TOO_SOON,
        (of_kid("nobody-s"), 401),
        (of_kid("nor-mine"), 401),
        *map(unknown, range(20)),
        make=of_kid("one-more"),
        fetches=0,
    ),
    case(
        62,
        "flood-while-kinde-is-down",
        always(b""),
        refused(503, "keys_unavailable"),
        *[(genuine, 503)] * 20,
        fetches=0,
    ),
    case(
        63,
        "rotation",
        in_turn(good, always(origin.answer(OTHER.jwks))),
        # The same event id, once by the old key and once by the new one.
        Expected(200, ("processed",), touched=True, log=(REPEATING,), deliveries=2),
        (genuine, 200),
        make=of_successor,
    ),
    case(
        63,
        "rotation-within-the-cool-down",
        in_turn(good, good, always(origin.answer(OTHER.jwks))),
        TOO_SOON,
        (of_kid("nobody-s"), 401),
        (of_kid("nor-mine"), 401),
        make=of_successor,
        fetches=0,
    ),
    case(
        65,
        "max-age-0",
        lambda issuer: origin.answer(issuer.jwks, "200 OK", "Cache-Control: max-age=0"),
        Expected(200, ("processed",) * 2, touched=True, log=(STORING, DONE)),
        (genuine, 200),
        make=later,
        fetches=0,
    ),
]
CASES = [*USELESS_CASES, *KEYS, *CHANGES]
