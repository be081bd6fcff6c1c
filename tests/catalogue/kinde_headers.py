"""Tokens whose header is refused before a key is looked for."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from jwt.algorithms import RSAAlgorithm

from tests.catalogue.cases import (
    COLD,
    Case,
    Expected,
    World,
    applied,
    on_both,
    on_gunicorn,
    refused,
    token_case,
)
from tests.catalogue.sending import Request, post
from tests.kinde.deliveries import compact, json_bytes
from tests.kinde.tokens import (
    EVENT,
    PAYLOAD,
    Make,
    by_algorithm,
    by_elliptic_curve,
    by_secret,
    header,
    pem,
    unsigned,
    with_header,
    with_raw_header,
)

NO_ALGORITHMS: list[Any] = ["", "rs256", "RS256 ", "RS256\0", [], ["RS256"], {}, 0, True]
NO_KIDS: list[Any] = [1, [], ["k"], {}, True]

# By row: what the header says, and why it is refused. By None `with_header` leaves a name out.
REFUSED: dict[tuple[int, str], dict[str, Make]] = {
    (1, "alg"): {f"alg-{alg}": unsigned(alg) for alg in ("none", "None", "NONE", "nOnE")},
    (2, "alg"): {
        **{f"alg-{json.dumps(alg)}": with_header(alg=alg) for alg in NO_ALGORITHMS},
        "alg-null": with_raw_header('{"alg":null,"kid":"KID"}'),
    },
    (3, "alg"): {"alg-missing": with_header(alg=None)},
    (4, "alg"): {
        "hs256-by-the-tenant-s-key": with_header(alg="HS256"),
        "hs256-by-pem": by_secret(pem),
        "hs256-by-jwk": by_secret(lambda issuer: json_bytes(issuer.public_jwk())),
        "hs256-by-nothing": by_secret(lambda issuer: b""),
    },
    (5, "alg"): {
        "es256": by_elliptic_curve,
        "ps256-by-the-right-key": by_algorithm("PS256"),
        "rs384-by-the-right-key": by_algorithm("RS384"),
        "rs512-by-the-right-key": by_algorithm("RS512"),
    },
    (8, "kid"): {
        "kid-missing": with_header(kid=None),
        "kid-null": with_raw_header('{"alg":"RS256","kid":null}'),
        "kid-empty": with_header(kid=""),
    },
    (9, "kid"): {f"kid-{json.dumps(kid)}": with_header(kid=kid) for kid in NO_KIDS},
    (11, "kid"): {
        "kid-257": with_header(kid="k" * 257),
        "kid-100-kb": with_header(kid="k" * 100_000),
    },
    (15, "crit"): {
        "crit-unknown": with_header(crit=["exp"], exp=1),
        "crit-empty": with_header(crit=[]),
        "crit-no-list": with_header(crit="b64"),
        "crit-null": with_raw_header('{"alg":"RS256","kid":"KID","crit":null}'),
    },
    (16, "crit"): {
        "b64-false": with_header(b64=False),
        "b64-false-crit": with_header(b64=False, crit=["b64"]),
        "b64-false-empty-payload": lambda issuer: compact(
            header(issuer, b64=False, crit=["b64"]), b"", issuer.key
        ),
        "b64-null": with_raw_header('{"alg":"RS256","kid":"KID","b64":null}'),
    },
    (17, "crit"): {
        "crit-b64-true": with_header(crit=["b64"], b64=True),
        "crit-zip": with_header(crit=["zip"], zip="DEF"),
    },
    (18, "nested"): {
        "nested-in-a-token": lambda issuer: compact(
            header(issuer, cty="JWT"), issuer.sign(EVENT), issuer.key
        ),
        "nested-by-its-word": with_header(cty="jwt"),
    },
    (28, "header"): {
        "header-alg-twice": with_raw_header('{"alg":"none","kid":"KID","alg":"RS256"}'),
        "header-kid-twice": with_raw_header('{"kid":"other","alg":"RS256","kid":"KID"}'),
    },
    (29, "header"): {
        "header-nan": with_raw_header('{"alg":"RS256","kid":"KID","x":NaN}'),
        "header-out-of-range": with_raw_header('{"alg":"RS256","kid":"KID","x":1e400}'),
        "header-beyond-decimal": with_raw_header(
            '{"alg":"RS256","kid":"KID","x":1e-99999999999999999999}'
        ),
    },
    (30, "header"): {
        "header-5000-digits": with_raw_header(f'{{"alg":"RS256","kid":"KID","x":{"1" * 5000}}}')
    },
    (31, "header"): {
        "header-not-json": with_raw_header('{"alg":"RS256",'),
        "header-nested": with_raw_header(f'{{"alg":"RS256","kid":"KID","x":{"[" * 100_000}'),
        "header-nested-and-closed": with_raw_header(
            f'{{"alg":"RS256","kid":"KID","x":{"[" * 65}{"]" * 65}}}'
        ),
        "header-utf16": lambda issuer: compact(
            b"{ " + json.dumps(header(issuer)).encode("utf-16"), PAYLOAD, issuer.key
        ),
    },
}
# The first of each row is sent to both servers.
HEADERS = [
    token_case(
        row,
        name,
        make,
        (on_gunicorn if number else on_both)(refused(401, reason)),
        alias=COLD,
    )
    for (row, reason), tokens in REFUSED.items()
    for number, (name, make) in enumerate(tokens.items())
]

HOSTILE_KIDS = {
    "path": "../../dev/null",
    "sql": "k1' OR '1'='1",
    "command": "|id",
    "url": "http://127.0.0.1/",
    "non-ascii": "\u00e9",
    "lone-surrogate": "\ud800",
    "nul": "k\0",
    "log-line": "k\nERROR root: the database is gone \x1b[31m\x00",
}


def of_kid(kid: str) -> Make:
    return lambda issuer: compact(header(issuer, kid=kid), PAYLOAD, issuer.key)


# A set that was fetched just now says for certain that there is no such key.
KIDS = [
    token_case(
        row,
        f"kid-{name}",
        of_kid(kid),
        refused(401, "unknown_kid"),
        alias=f"kinde-kid-{name}",
        fetches=1,
        unsaid=kid,
    )
    for row, names in {10: {"unknown": "nobody-s"}, 12: HOSTILE_KIDS}.items()
    for name, kid in names.items()
]


def lured(by: str) -> Callable[[World], Request]:
    """Return what posts a token that says where its key is to be had."""

    def make(world: World) -> Request:
        key = world.issuer.key if by == "tenant" else world.foreign_key
        head = header(
            world.issuer,
            jwk=RSAAlgorithm.to_jwk(world.foreign_key.public_key(), as_dict=True),
            jku=f"{world.trap.url}/.well-known/jwks.json",
            x5u=f"{world.trap.url}/certificate",
            x5c=["MIIB"],
        )
        return post("/webhooks/kinde", compact(head, PAYLOAD, key))

    return make


def _lure(row: int, by: str, expected: Expected) -> Case:
    return Case((row,), f"key-in-the-header-by-the-{by}", lured(by), on_both(expected))


LURES = [
    _lure(13, "attacker", refused(401, "signature")),
    _lure(14, "tenant", applied()),
]
CASES = [*HEADERS, *KIDS, *LURES]
