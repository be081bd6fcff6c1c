"""
Tokens that are spelled oddly, say something odd in their header, or stand for another one.

Source: RFC 7515, sections 4, 7 and 10; RFC 7797; RFC 8725, sections 2 and 3; the cases that
Wycheproof has of them.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import zlib
from typing import Any

from tests.vectors import published
from tests.vectors.published import COOKBOOK_KEY
from tests.vectors.signing import HEADER, KEYS, encoded, signing_input_of, token_of
from tests.vectors.verifier import ACCEPTED, Vector

PAYLOAD = b'{"event_id":"event_1"}'
SIGNING_INPUT = signing_input_of(PAYLOAD)
TOKEN = token_of(SIGNING_INPUT)
HEAD, BODY, SIGNATURE = TOKEN.split(b".")
KID = COOKBOOK_KEY["kid"]
PUBLISHED = json.dumps(COOKBOOK_KEY).encode()

DIGITS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def next_digit(segment: bytes) -> bytes:
    """Return a segment that a lenient decoder takes for the same: its last bits are not used."""
    assert len(segment) % 4
    return segment[:-1] + DIGITS[DIGITS.index(segment[-1]) + 1 :][:1]


def signed(header: Any, payload: bytes = PAYLOAD) -> bytes:
    """Return a token that the right key signed, whatever its header says."""
    return token_of(signing_input_of(payload, header))


def with_header(**parameters: Any) -> bytes:
    return signed({**HEADER, **parameters})


def without(name: str) -> bytes:
    return signed({key: value for key, value in HEADER.items() if key != name})


def by_secret(secret: bytes, algorithm: str = "HS256") -> bytes:
    """Return a token by a secret that is not one, since everybody can have it."""
    signing_input = signing_input_of(PAYLOAD, {**HEADER, "alg": algorithm})
    return token_of(signing_input, hmac.digest(secret, signing_input, hashlib.sha256))


def signed_segments(head: bytes, body: bytes) -> bytes:
    """Return a token rightly signed over segments as they are spelled here."""
    return token_of(head + b"." + body)


def flattened(**members: Any) -> bytes:
    return json.dumps(
        {
            "payload": BODY.decode(),
            "protected": HEAD.decode(),
            "signature": SIGNATURE.decode(),
            **members,
        }
    ).encode()


GENERAL = json.dumps(
    {
        "payload": BODY.decode(),
        "signatures": [
            {"protected": HEAD.decode(), "signature": SIGNATURE.decode()},
            {"header": {"alg": "none"}, "signature": ""},
        ],
    }
).encode()
EMBEDDED = {**COOKBOOK_KEY, "n": published.A2_KEY["n"]}

# Anything else than three segments is no token of this kind.
NOT_COMPACT: dict[str, bytes] = {
    "empty": b"",
    "dots": b"..",
    "separators only, four": b"....",
    "no signature and no separator": HEAD + b"." + BODY,
    "no payload and no separator": HEAD + b"." + SIGNATURE,
    "no header and no separator": BODY + b"." + SIGNATURE,
    "no header": b"." + BODY + b"." + SIGNATURE,
    "no header and no signature": b"." + BODY + b".",
    "payload alone": BODY,
    "another empty segment": TOKEN + b".",
    "another segment": TOKEN + b".Zm9v",
    "another segment before": b"Zm9v." + TOKEN,
    "flattened JSON": flattened(),
    "flattened JSON, header unprotected": flattened(header={"kid": KID}),
    "general JSON": GENERAL,
    "general JSON, cut": GENERAL[:-1],
    "set of tokens": b"[" + json.dumps(TOKEN.decode()).encode() + b"]",
    "separator is a comma": TOKEN.replace(b".", b","),
    "separator is a full-width dot": TOKEN.replace(b".", "\uff0e".encode()),
    "separator is encoded": TOKEN.replace(b".", b"%2E"),
    "line breaks inside": b"\r\n".join(TOKEN[at : at + 64] for at in range(0, len(TOKEN), 64)),
    "armoured": b"-----BEGIN JWT-----\n" + TOKEN + b"\n-----END JWT-----",
    "encrypted": b"eyJhbGciOiJSU0EtT0FFUCIsImVuYyI6IkEyNTZHQ00ifQ." + b".".join([b"Zm9v"] * 4),
    "in UTF-16": TOKEN.decode().encode("utf-16"),
    "compressed": zlib.compress(TOKEN),
    "RFC 7797, payload apart with dots": HEAD + b"." + b"$.02" + b"." + SIGNATURE,
}

# The same token in other digits. One spelling per token, so nothing passes for another.
OTHER_SPELLING: dict[str, bytes] = {
    "last bits of the signature": b".".join([HEAD, BODY, next_digit(SIGNATURE)]),
    "last bits of the payload, signed": signed_segments(HEAD, next_digit(BODY)),
    "last bits of the header, signed": signed_segments(
        next_digit(encoded(json.dumps(HEADER).encode() + b" ")), BODY
    ),
    "standard alphabet": b".".join([HEAD, BODY, b"+/" + SIGNATURE[2:]]),
    "junk in the signature": b".".join([HEAD, BODY, SIGNATURE[:9] + b"!" + SIGNATURE[9:]]),
    "junk in the payload, signed": signed_segments(HEAD, BODY[:4] + b"*" + BODY[4:]),
    "padding inside": b".".join([HEAD, BODY, SIGNATURE[:8] + b"==" + SIGNATURE[8:]]),
    "impossible length": b".".join([HEAD, BODY, SIGNATURE[:-1]]),
    "signature is not encoded": b".".join([HEAD, BODY, b"~" * 256]),
    "signature in hex with a sign": b".".join([HEAD, BODY, b"+0" * 128]),
}

# No RFC allows padding, and Wycheproof wants it refused. Here it is let pass: it changes no byte
# of what was signed, and what counts as the same event is its id, never the token's bytes.
HARMLESS: dict[str, bytes] = {
    "padding": b".".join([HEAD, BODY, SIGNATURE + b"=="]),
    "padding that is not needed": TOKEN + b"====",
    "padding of the payload, signed": signed_segments(HEAD, BODY + b"=="),
    "white space around": b" \t\r\n" + TOKEN + b"\r\n",
    "unknown parameters": with_header(zip="DEF", cty="json", nonce="x", ppt="shaken"),
    "empty header beside": with_header(jwk={}, x5t="x"),
    "payload empty": signed(HEADER, b""),
    "payload no JSON": signed(HEADER, b"\x00\xff"),
    "payload is a token, and nothing says so": signed(HEADER, TOKEN),
    "media type in full": with_header(typ="application/jwt"),
    "names of the header escaped": signed(
        b'{"\\u0061lg":"RS\\u0032\\u0035\\u0036","kid":' + json.dumps(KID).encode() + b"}"
    ),
}

CHANGED: dict[str, bytes] = {
    "payload changed": b".".join([HEAD, encoded(b'{"event_id":"event_2"}'), SIGNATURE]),
    "payload missing": HEAD + b".." + SIGNATURE,
    "signature missing": HEAD + b"." + BODY + b".",
    "signature of the payload alone": b".".join([HEAD, BODY, token_of(BODY).split(b".")[1]]),
    "signature of another": b".".join([HEAD, BODY, signed(HEADER, b"{}").split(b".")[2]]),
    "header changed": b".".join(
        [encoded(json.dumps({**HEADER, "typ": "x"}).encode()), BODY, SIGNATURE]
    ),
    "header with a space": b".".join(
        [encoded(b"{ " + json.dumps(HEADER).encode()[1:]), BODY, SIGNATURE]
    ),
    "segments swapped": b".".join([HEAD, SIGNATURE, BODY]),
    "by the key that it brings": with_header(jwk=EMBEDDED)[:-4] + b"AAAA",
}

NOT_THE_ALGORITHM: dict[str, bytes] = {
    **{
        f"unsecured, {name}": signing_input_of(PAYLOAD, {**HEADER, "alg": name}) + b"."
        for name in ("none", "None", "NONE", "nOnE", "none ", "\u0578one", "")
    },
    "unsecured, signed all the same": with_header(alg="none"),
    **{f"{name} by the right key": with_header(alg=name) for name in ("RS384", "RS512", "PS256")},
    **{
        f"{name} by the right key as RS256": with_header(alg=name)
        for name in ("rs256", "RS256 ", " RS256", "RS256\0", "RS256,none", "RSA", "RS", "SHA256")
    },
    "algorithm missing": without("alg"),
    **{
        f"algorithm {json.dumps(value)}": with_header(alg=value)
        for value in (None, 1, True, [], ["RS256"], {"alg": "RS256"})
    },
    "HS256 by the key's JSON": by_secret(PUBLISHED),
    "HS256 by the modulus": by_secret(COOKBOOK_KEY["n"].encode()),
    "HS256 by nothing": by_secret(b""),
    "HS512 by the key's JSON": by_secret(PUBLISHED, "HS512"),
    "name of alg in capitals": signed({"ALG": "RS256", "kid": KID}),
    "RFC 7515, A.1: HS256": published.HS256_TOKEN.encode(),
    "RFC 7515, A.3: ES256": published.ES256_TOKEN.encode(),
    "RFC 7515, A.5: unsecured": published.UNSECURED_TOKEN.encode(),
    "RFC 7797, 4.2: payload not encoded": published.UNENCODED_TOKEN.encode(),
}

NO_HEADER: dict[str, bytes] = {
    "cut": signed(b'{"alg":"RS256"'),
    "no quotes": signed(b"{ alg: RS256}"),
    "single quotes": signed(b"{ 'alg':'RS256'}"),
    "two documents": signed(b'{"alg":"none"}{"alg":"RS256"}'),
    "algorithm twice": signed(b'{"alg":"RS256","alg":"none","kid":"x"}'),
    "algorithm twice, in escapes": signed(b'{"alg":"none","\\u0061lg":"RS256","kid":"x"}'),
    "unknown parameter twice": signed(b'{"x":1,"alg":"RS256","x":2,"kid":"x"}'),
    "twice further down": signed(b'{"alg":"RS256","kid":"x","y":{"z":1,"z":2}}'),
    "comment": signed(b'{"alg":"RS256"/**/}'),
    "trailing comma": signed(b'{"alg":"RS256",}'),
    "UTF-16": signed(b"{ " + json.dumps(HEADER).encode("utf-16-le")),
    "invalid UTF-8": signed(b'{"alg":"RS256\xff"}'),
    "control character": signed(b'{"alg":"RS256\n"}'),
    "not finite": signed(b'{"alg":"RS256","x":-Infinity}'),
    "deep": signed(b'{"alg":"RS256","x":' + b"[" * 5000 + b"]" * 5000 + b"}"),
    "long number": signed(b'{"alg":"RS256","x":' + b"9" * 5000 + b"}"),
}

CRITICAL: dict[str, bytes] = {
    "not understood": with_header(crit=["http://example.invalid/UNDEFINED"]),
    "registered name": with_header(crit=["exp"], exp=1),
    "a parameter that is not there": with_header(crit=["x"]),
    "empty": with_header(crit=[]),
    "null": with_header(crit=None),
    "text": with_header(crit="b64"),
    "payload not encoded": with_header(crit=["b64"], b64=False),
    "payload not encoded, not critical": with_header(b64=False),
    "payload encoded, critical": with_header(crit=["b64"], b64=True),
    **{f"b64 is {json.dumps(value)}": with_header(b64=value) for value in (None, 0, 1, "true")},
}

# RFC 7519, section 5.2: a token in a token says so.
NESTED: dict[str, bytes] = {
    name: signed({**HEADER, "cty": name}, TOKEN) for name in ("JWT", "jwt", "application/jwt")
}

NO_KEY_ID: dict[str, bytes] = {
    "missing": without("kid"),
    **{
        json.dumps(value)[:20]: with_header(kid=value)
        for value in (None, 1, True, [], [KID], {"kid": KID}, "", "k" * 257)
    },
    "RFC 7515, A.2: names no key": (
        f"{published.A2_SIGNING_INPUT}.{published.A2_SIGNATURE}".encode()
    ),
    "in capitals": signed({"alg": "RS256", "KID": KID}),
}

UNKNOWN_KEY_ID: dict[str, bytes] = {
    json.dumps(value)[:40]: with_header(kid=value)
    for value in (
        KID.upper(),
        KID + " ",
        KID + "\0",
        "\ufeff" + KID,
        "\ud800",
        "../" * 20 + "dev/null",
        "' OR 1=1 --",
        "http://127.0.0.1/keys",
        "x" * 256,
        "__class__",
        "n",
    )
}


def each(verdict: str, group: str, bodies: dict[str, bytes]) -> dict[str, Vector]:
    return {f"{group}: {name}": Vector(verdict, body, KEYS) for name, body in bodies.items()}


VECTORS: dict[str, Vector] = {
    "genuine": Vector(ACCEPTED, TOKEN, KEYS),
    "RFC 7520, 4.1": Vector(
        ACCEPTED,
        f"{published.COOKBOOK_SIGNING_INPUT}.{published.COOKBOOK_SIGNATURE}".encode(),
        KEYS,
    ),
    **each("not_compact_jws", "form", NOT_COMPACT),
    **each("encoding", "spelling", OTHER_SPELLING),
    **each(ACCEPTED, "harmless", HARMLESS),
    **each("signature", "changed", CHANGED),
    **each("alg", "algorithm", NOT_THE_ALGORITHM),
    **each("header", "header", NO_HEADER),
    **each("crit", "critical", CRITICAL),
    **each("nested", "nested", NESTED),
    **each("kid", "key id", NO_KEY_ID),
    **each("unknown_kid", "other key id", UNKNOWN_KEY_ID),
}
