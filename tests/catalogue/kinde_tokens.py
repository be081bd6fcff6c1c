"""Tokens with a good header: signed by somebody else, in another form, with something around."""

from __future__ import annotations

from tests.catalogue.cases import (
    COLD,
    KINDE,
    Case,
    World,
    again,
    applied,
    of_token,
    on_both,
    refused,
    token_case,
)
from tests.catalogue.sending import Request, post
from tests.kinde.deliveries import base64url, changed_byte, compact, json_bytes
from tests.kinde.events import event
from tests.kinde.tokens import (
    EVENT,
    PAYLOAD,
    Make,
    by_pss,
    by_sha1,
    edited,
    header,
    whole,
    with_header,
    with_raw_header,
    with_unused_bits,
)


def genuine(issuer: object) -> bytes:
    token: bytes = issuer.sign(EVENT)  # type: ignore[attr-defined]
    return token


def by_foreign_key(world: World) -> Request:
    return post("/webhooks/kinde", compact(header(world.issuer), PAYLOAD, world.foreign_key))


WRONGLY_SIGNED: dict[tuple[int, str], dict[str, Make]] = {
    (6, "signature"): {"pss-signature": by_pss, "sha1-signature": by_sha1},
    (7, "signature"): {
        "changed-signature": whole(lambda token: changed_byte(token, len(token) - 20)),
        "changed-payload": edited(
            lambda head, payload, signature: b".".join([head, changed_byte(payload, 30), signature])
        ),
        "payload-of-another": edited(
            lambda head, _, signature: b".".join([head, base64url(b'{"data":{}}'), signature])
        ),
        "empty-payload": edited(lambda head, _, signature: head + b".." + signature),
        "no-signature": edited(lambda head, payload, _: head + b"." + payload + b"."),
        "changed-header": lambda issuer: b".".join(
            [
                base64url(json_bytes(header(issuer, typ="at+jwt"))),
                *issuer.sign(EVENT).split(b".")[1:],
            ]
        ),
    },
    (20, "signature"): {"without-its-end": whole(lambda token: token[:-10])},
    (23, "encoding"): {
        "other-spelling-of-the-signature": edited(
            lambda head, payload, signature: b".".join([head, payload, with_unused_bits(signature)])
        ),
        "junk-in-the-signature": whole(lambda token: token[:-20] + b"!!" + token[-20:]),
        "standard-alphabet": edited(
            lambda head, payload, signature: b".".join([head, payload, b"+/" + signature[2:]])
        ),
        "impossible-length": edited(
            lambda head, payload, signature: b".".join([head, payload, signature[: 85 * 4 + 1]])
        ),
    },
    (23, "signature"): {
        "junk-in-the-payload": edited(
            lambda head, payload, signature: b".".join([head, b"!!" + payload, signature])
        )
    },
}

# What is not even a compact JWS: most of it was never meant for this place.
NO_TOKENS: dict[int, dict[str, Make]] = {
    19: {
        "empty": lambda issuer: b"",
        "white-space": lambda issuer: b" \r\n\t",
        "dots": lambda issuer: b"..",
        "one-segment": edited(lambda head, payload, signature: head),
        "two-segments": edited(lambda head, payload, signature: head + b"." + payload),
        "four-segments": whole(lambda token: token + b".e30"),
        "encrypted": whole(lambda token: token + b".aaaa.bbbb"),
        "two-tokens": whole(lambda token: token + b"\n" + token),
        "flattened-json": edited(
            lambda head, payload, signature: json_bytes(
                {
                    "protected": head.decode(),
                    "payload": payload.decode(),
                    "signature": signature.decode(),
                }
            )
        ),
        "general-json": edited(
            lambda head, payload, signature: json_bytes(
                {
                    "payload": payload.decode(),
                    "signatures": [{"protected": head.decode(), "signature": signature.decode()}]
                    * 2,
                }
            )
        ),
        "bare-json": lambda issuer: PAYLOAD,
    },
    # Its second dot is gone, so it is a row 19 by now.
    20: {"half": whole(lambda token: token[: len(token) // 2])},
    22: {
        "byte-order-mark": whole(lambda token: b"\xef\xbb\xbf" + token),
        "quoted": whole(lambda token: b'"' + token + b'"'),
        "bearer": whole(lambda token: b"Bearer " + token),
        "form-field": whole(lambda token: b"token=" + token),
    },
    25: {
        "invalid-utf8": whole(lambda token: token[:-5] + b"\xff\xfe" + token[-5:]),
        "nul": whole(lambda token: token[:-5] + b"\0" + token[-5:]),
        "space-inside": whole(lambda token: token[:-5] + b" " + token[-5:]),
        "no-break-space-around": whole(lambda token: "\u00a0".encode() + token),
    },
    91: {"gzip-without-a-header": lambda issuer: b"\x1f\x8b\x08\x00" + b"a.b.c"},
}

# A new parameter that nothing depends on must not be an outage.
UNUSUAL: dict[int, dict[str, Make]] = {
    17: {
        "zip": with_header(zip="DEF"),
        "no-typ": with_header(typ=None),
        "new-parameter": with_header(typ="webhook+jwt", new_parameter={"x": [1]}),
        "b64-true": with_header(b64=True),
        "white-space-in-the-header": with_raw_header('{\n"alg" : "RS256", "kid" : "KID"} '),
    },
    21: {
        "newline-behind": whole(lambda token: token + b"\n"),
        "crlf-behind": whole(lambda token: token + b"\r\n"),
        "space-before": whole(lambda token: b" " + token),
        "newline-before": whole(lambda token: b"\n\t" + token),
    },
    24: {
        "padding-of-the-signature": whole(lambda token: token + b"="),
    },
}
UNUSUAL_CASES = [
    # The same event once more in its usual form is no second one.
    token_case(
        row,
        name,
        genuine,
        again(applied()),
        before=((of_token(make), 200),),
    )
    for row, tokens in UNUSUAL.items()
    for name, make in tokens.items()
]

CASES = [
    *(
        token_case(row, name, make, refused(401, reason))
        for (row, reason), tokens in WRONGLY_SIGNED.items()
        for name, make in tokens.items()
    ),
    *(
        token_case(row, name, make, refused(400, "not_compact_jws"), alias=COLD)
        for row, tokens in NO_TOKENS.items()
        for name, make in tokens.items()
    ),
    *UNUSUAL_CASES,
    Case((7,), "foreign-key", by_foreign_key, on_both(refused(401, "signature"))),
    Case(
        (7,),
        "forged-id-does-not-take-the-place-of-the-real-event",
        of_token(genuine),
        on_both(applied()),
        before=((by_foreign_key, 401),),
    ),
    token_case(
        11,
        "kid-1.8-mb",
        with_header(kid="k" * 1_800_000),
        on_both(refused(413, "too_large")),
        alias=COLD,
    ),
    token_case(
        104,
        "a-token-of-the-longest-body",
        lambda issuer: issuer.sign(event(pad="x" * 190_000)),
        on_both(applied()),
    ),
    token_case(
        (28, 7),
        "header-of-another-key-order",
        edited(
            lambda head, payload, signature: b".".join(
                [base64url(b'{"kid":"k","alg":"RS256"}'), payload, signature]
            )
        ),
        refused(401, "unknown_kid"),
        alias=f"{KINDE}-of-another-order",
        fetches=1,
    ),
]
