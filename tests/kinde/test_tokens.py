"""The outer form of a delivery: what is no token, and what proves nothing."""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.test import Client
from jwt.api_jws import PyJWS

from billing_webhooks.models import WebhookEvent
from billing_webhooks.testing import KindeIssuer, kinde_event
from tests.kinde.conftest import Deliver
from tests.kinde.deliveries import CHANGED_PLAN, base64url, changed_byte, compact, json_bytes

pytestmark = pytest.mark.django_db

Make = Callable[[KindeIssuer], bytes]

EVENT = kinde_event("customer.plan_changed", CHANGED_PLAN, event_id="event_" + "0a" * 16)
PAYLOAD = json_bytes(EVENT)


def header(issuer: KindeIssuer, **parameters: Any) -> dict[str, Any]:
    """Return the header that Kinde writes, with parameters replaced or, by None, removed."""
    usual = {"alg": "RS256", "kid": issuer.kid, "typ": "JWT", **parameters}
    return {name: value for name, value in usual.items() if value is not None}


def with_header(**parameters: Any) -> Make:
    """Make a token with the tenant's own RS256 signature under a changed header."""
    return lambda issuer: compact(header(issuer, **parameters), PAYLOAD, issuer.key)


def with_raw_header(text: str) -> Make:
    """Make a token whose header is this text, with `KID` replaced by the tenant's key id."""
    return lambda issuer: compact(text.replace("KID", issuer.kid).encode(), PAYLOAD, issuer.key)


def unsigned(alg: str) -> Make:
    return lambda issuer: b".".join(
        [base64url(json_bytes(header(issuer, alg=alg))), base64url(PAYLOAD), b""]
    )


def by_secret(secret: Callable[[KindeIssuer], bytes]) -> Make:
    """Make an HS256 token with something public as the secret."""

    def make(issuer: KindeIssuer) -> bytes:
        head = base64url(json_bytes(header(issuer, alg="HS256")))
        signing_input = head + b"." + base64url(PAYLOAD)
        digest = hmac.digest(secret(issuer), signing_input, hashlib.sha256)
        return signing_input + b"." + base64url(digest)

    return make


def by_algorithm(algorithm: str) -> Make:
    """Make a token that the tenant's own key signed with another algorithm."""
    return lambda issuer: (
        PyJWS()
        .encode(PAYLOAD, issuer.key, algorithm=algorithm, headers={"kid": issuer.kid})
        .encode()
    )


def by_elliptic_curve(issuer: KindeIssuer) -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    return PyJWS().encode(PAYLOAD, key, algorithm="ES256", headers={"kid": issuer.kid}).encode()


def by_signature(scheme: padding.AsymmetricPadding, algorithm: hashes.HashAlgorithm) -> Make:
    """Make a token that says RS256 and is signed otherwise."""

    def make(issuer: KindeIssuer) -> bytes:
        signing_input = base64url(json_bytes(header(issuer))) + b"." + base64url(PAYLOAD)
        return signing_input + b"." + base64url(issuer.key.sign(signing_input, scheme, algorithm))

    return make


def edited(edit: Callable[[bytes, bytes, bytes], bytes]) -> Make:
    """Make a genuine token and change its three segments."""
    return lambda issuer: edit(*issuer.sign(EVENT).split(b"."))


def whole(edit: Callable[[bytes], bytes]) -> Make:
    """Make a genuine token and change its bytes."""
    return lambda issuer: edit(issuer.sign(EVENT))


def with_unused_bits(segment: bytes) -> bytes:
    """Return other digits for the same bytes: the last digit has bits that decode to nothing."""
    alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    assert len(segment) % 4
    return segment[:-1] + bytes([alphabet[alphabet.index(segment[-1]) + 1]])


def pem(issuer: KindeIssuer) -> bytes:
    return issuer.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


PSS = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)
PKCS1 = padding.PKCS1v15()
LOG_LINE = "k\nERROR root: the database is gone \x1b[31m\x00"

OTHER_ALGORITHMS: list[Any] = [
    *("", "rs256", "RS256 ", "RS256\0", "HS256"),
    *([], ["RS256"], {}, 0, True),
]
OTHER_KIDS: list[Any] = [1, [], ["k"], {}, True, ""]

# What cannot be the tenant's. `None` in `with_header` leaves the parameter out.
NOT_PROVEN: dict[str, Make] = {
    **{f"unsigned-{alg}": unsigned(alg) for alg in ("none", "None", "NONE", "nOnE")},
    **{f"alg-{json.dumps(alg)}": with_header(alg=alg) for alg in OTHER_ALGORITHMS},
    "alg-missing": with_header(alg=None),
    "alg-null": with_raw_header('{"alg":null,"kid":"KID"}'),
    "hs256-by-pem": by_secret(pem),
    "hs256-by-jwk": by_secret(lambda issuer: json_bytes(issuer.public_jwk())),
    "hs256-by-nothing": by_secret(lambda issuer: b""),
    "es256": by_elliptic_curve,
    "ps256-by-the-right-key": by_algorithm("PS256"),
    "rs384-by-the-right-key": by_algorithm("RS384"),
    "rs512-by-the-right-key": by_algorithm("RS512"),
    "pss-signature": by_signature(PSS, hashes.SHA256()),
    "sha1-signature": by_signature(PKCS1, hashes.SHA1()),  # noqa: S303
    "no-signature": edited(lambda head, payload, _: head + b"." + payload + b"."),
    "empty-payload": edited(lambda head, _, signature: head + b".." + signature),
    "payload-of-another": edited(
        lambda head, _, signature: b".".join([head, base64url(b'{"data":{}}'), signature])
    ),
    "other-header": edited(
        lambda head, payload, signature: b".".join(
            [base64url(b'{"kid":"k","alg":"RS256"}'), payload, signature]
        )
    ),
    "kid-missing": with_header(kid=None),
    "kid-null": with_raw_header('{"alg":"RS256","kid":null}'),
    **{f"kid-{json.dumps(kid)}": with_header(kid=kid) for kid in OTHER_KIDS},
    "kid-257": with_header(kid="k" * 257),
    "kid-100-kb": with_header(kid="k" * 100_000),
    "crit-unknown": with_header(crit=["exp"], exp=1),
    "crit-empty": with_header(crit=[]),
    "crit-no-list": with_header(crit="b64"),
    "crit-null": with_raw_header('{"alg":"RS256","kid":"KID","crit":null}'),
    "crit-b64-true": with_header(crit=["b64"], b64=True),
    "b64-false": with_header(b64=False),
    "b64-false-crit": with_header(b64=False, crit=["b64"]),
    "header-key-twice": with_raw_header('{"alg":"none","kid":"KID","alg":"RS256"}'),
    "header-kid-twice": with_raw_header('{"kid":"other","alg":"RS256","kid":"KID"}'),
    "header-not-json": with_raw_header('{"alg":"RS256",'),
    "header-nan": with_raw_header('{"alg":"RS256","kid":"KID","x":NaN}'),
    "header-out-of-range": with_raw_header('{"alg":"RS256","kid":"KID","x":1e400}'),
    "header-beyond-decimal": with_raw_header(
        '{"alg":"RS256","kid":"KID","x":1e-99999999999999999999}'
    ),
    "header-5000-digits": with_raw_header(f'{{"alg":"RS256","kid":"KID","x":{"1" * 5000}}}'),
    "header-nested": with_raw_header(f'{{"alg":"RS256","kid":"KID","x":{"[" * 100_000}'),
    "header-nested-and-closed": with_raw_header(
        f'{{"alg":"RS256","kid":"KID","x":{"[" * 65}{"]" * 65}}}'
    ),
    "header-utf16": lambda issuer: compact(
        b"{ " + json.dumps(header(issuer)).encode("utf-16"), PAYLOAD, issuer.key
    ),
    "truncated": whole(lambda token: token[:-10]),
    "other-spelling-of-the-signature": edited(
        lambda head, payload, signature: b".".join([head, payload, with_unused_bits(signature)])
    ),
    "junk-in-the-signature": whole(lambda token: token[:-20] + b"!!" + token[-20:]),
    "junk-in-the-payload": edited(
        lambda head, payload, signature: b".".join([head, b"!!" + payload, signature])
    ),
    "standard-alphabet": edited(
        lambda head, payload, signature: b".".join([head, payload, b"+/" + signature[2:]])
    ),
    "impossible-length": edited(
        lambda head, payload, signature: b".".join([head, payload, signature[: 85 * 4 + 1]])
    ),
}

# What is not even a compact JWS: most of it was never meant for this place.
NOT_A_TOKEN: dict[str, Make] = {
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
                "signatures": [{"protected": head.decode(), "signature": signature.decode()}] * 2,
            }
        )
    ),
    "bare-json": lambda issuer: PAYLOAD,
    "byte-order-mark": whole(lambda token: b"\xef\xbb\xbf" + token),
    "quoted": whole(lambda token: b'"' + token + b'"'),
    "bearer": whole(lambda token: b"Bearer " + token),
    "form-field": whole(lambda token: b"token=" + token),
    "invalid-utf8": whole(lambda token: token[:-5] + b"\xff\xfe" + token[-5:]),
    "nul": whole(lambda token: token[:-5] + b"\0" + token[-5:]),
    "space-inside": whole(lambda token: token[:-5] + b" " + token[-5:]),
    "no-break-space-around": whole(lambda token: "\u00a0".encode() + token),
    "gzip": lambda issuer: b"\x1f\x8b\x08\x00" + b"a.b.c",
}


def parameters(table: dict[str, Make]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("make", table.values(), ids=table.keys())


@parameters(NOT_PROVEN)
def test_not_proven__refused(issuer: KindeIssuer, deliver: Deliver, make: Make) -> None:
    assert deliver(make(issuer)).status_code == 401
    assert not WebhookEvent.objects.exists()


@parameters(NOT_A_TOKEN)
def test_not_a_token__refused(issuer: KindeIssuer, deliver: Deliver, make: Make) -> None:
    assert deliver(make(issuer)).status_code == 400
    assert not WebhookEvent.objects.exists()
    assert issuer.requests == 0


@pytest.mark.parametrize(
    "name", [name for name in NOT_PROVEN if name.startswith(("kid-", "alg-", "crit-", "header-"))]
)
def test_unusable_header__no_fetch(issuer: KindeIssuer, deliver: Deliver, name: str) -> None:
    deliver(NOT_PROVEN[name](issuer))

    assert issuer.requests == 0


@pytest.mark.parametrize("position", range(0, 60, 3))
def test_changed_signature__refused(issuer: KindeIssuer, deliver: Deliver, position: int) -> None:
    body = issuer.sign(EVENT)

    assert deliver(changed_byte(body, len(body) - 2 - position)).status_code == 401


def test_foreign_key__refused(
    issuer: KindeIssuer, deliver: Deliver, foreign_key: RSAPrivateKey
) -> None:
    assert deliver(compact(header(issuer), PAYLOAD, foreign_key)).status_code == 401
    assert not WebhookEvent.objects.exists()


@pytest.mark.parametrize("kid", ["../../dev/null", "k' OR '1'='1", "|id", "http://127.0.0.1/", "é"])
def test_hostile_kid__refused(issuer: KindeIssuer, deliver: Deliver, kid: str) -> None:
    assert deliver(compact(header(issuer, kid=kid), PAYLOAD, issuer.key)).status_code == 401
    assert not WebhookEvent.objects.exists()


@pytest.mark.parametrize("signed_by", ["attacker", "tenant"])
def test_key_in_the_header__never_asked_for(
    issuer: KindeIssuer, deliver: Deliver, signed_by: str
) -> None:
    with KindeIssuer(kid=issuer.kid) as attacker:
        head = header(
            issuer,
            jwk=attacker.public_jwk(),
            jku=f"{attacker.url}/.well-known/jwks.json",
            x5u=f"{attacker.url}/certificate",
            x5c=["MIIB"],
        )
        key = attacker.key if signed_by == "attacker" else issuer.key
        response = deliver(compact(head, PAYLOAD, key))

    assert response.status_code == (401 if signed_by == "attacker" else 200)
    assert attacker.requests == 0


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(with_header(zip="DEF"), id="zip"),
        pytest.param(with_header(typ=None), id="no-typ"),
        pytest.param(with_header(typ="webhook+jwt", new_parameter={"x": [1]}), id="new-parameter"),
        pytest.param(with_header(b64=True), id="b64-true"),
        pytest.param(with_raw_header('{\n"alg" : "RS256", "kid" : "KID"} '), id="white-space"),
    ],
)
def test_unusual_header__accepted(issuer: KindeIssuer, deliver: Deliver, make: Make) -> None:
    body = make(issuer)
    assert deliver(body).status_code == 200
    assert bytes(WebhookEvent.objects.get().body) == body


@pytest.mark.parametrize(
    ("before", "after"),
    [(b"", b"\n"), (b"", b"\r\n"), (b" ", b""), (b"\n\t", b""), (b"", b"=")],
    ids=["newline", "crlf", "space-before", "newline-before", "padding"],
)
def test_around_the_token__passed_over(
    issuer: KindeIssuer, deliver: Deliver, before: bytes, after: bytes
) -> None:
    body = before + issuer.sign(EVENT) + after
    assert deliver(body).status_code == 200
    assert deliver(issuer.sign(EVENT)).status_code == 200

    event = WebhookEvent.objects.get()
    assert (bytes(event.body), event.deliveries) == (body, 2)


def test_refused__one_short_line_without_text_of_the_sender(
    issuer: KindeIssuer, deliver: Deliver, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        deliver(compact(header(issuer, kid=LOG_LINE), PAYLOAD, issuer.key))

    digest = hashlib.sha256(LOG_LINE.encode()).hexdigest()[:8]
    (message,) = caplog.messages
    assert f"status=401 reason=unknown_kid kid_sha={digest}" in message
    assert message.isprintable()
    assert len(message) < 200


@parameters({**NOT_PROVEN, **NOT_A_TOKEN})
def test_refused__one_record(
    issuer: KindeIssuer, deliver: Deliver, caplog: pytest.LogCaptureFixture, make: Make
) -> None:
    deliver(make(issuer))

    (record,) = caplog.records
    assert (record.levelname, record.exc_info) == ("WARNING", None)
    assert len(record.getMessage()) < 200


def test_too_large__refused_unread(issuer: KindeIssuer, deliver: Deliver) -> None:
    assert deliver(b"e" * (256 * 1024 + 1)).status_code == 413
    assert deliver(b"e" * (256 * 1024)).status_code == 400


def test_compressed__refused(issuer: KindeIssuer, deliver: Deliver) -> None:
    body = issuer.sign(EVENT)

    assert deliver(body, headers={"Content-Encoding": "gzip"}).status_code == 415
    assert deliver(body, headers={"Content-Encoding": "Identity"}).status_code == 200


@pytest.mark.parametrize("content_type", ["", "application/json", "text/plain; charset=utf-7"])
def test_content_type__says_nothing(issuer: KindeIssuer, client: Client, content_type: str) -> None:
    response = client.post("/webhooks/kinde/", issuer.sign(EVENT), content_type=content_type)

    assert response.status_code == 200


def test_csrf_checks__do_not_concern_it(issuer: KindeIssuer) -> None:
    client = Client(enforce_csrf_checks=True)
    body = issuer.sign(EVENT)

    assert client.post("/webhooks/kinde", body, content_type="application/jwt").status_code == 200
