"""Where the keys come from, how often they are fetched, and what happens if they cannot be."""

from __future__ import annotations

import gzip
import json
import logging
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from django.conf import LazySettings
from django.core.cache import cache
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from billing_webhooks import providers
from billing_webhooks.exceptions import CannotVerifyNow
from billing_webhooks.models import WebhookEvent
from billing_webhooks.providers import get_provider
from billing_webhooks.providers.base import Delivery, Envelope
from billing_webhooks.providers.kinde import fetching, keys
from billing_webhooks.providers.kinde.keys import KeySet, usable_keys
from billing_webhooks.testing import KindeIssuer, kinde_event
from tests.kinde.conftest import Clock, Deliver, configure
from tests.kinde.deliveries import CHANGED_PLAN, base64url, compact
from tests.kinde.origin import Answer, Origin, answer, trickle

pytestmark = pytest.mark.django_db

WAIT_SECONDS = 5.0
AN_HOUR = 60 * 60


def genuine(issuer: KindeIssuer) -> bytes:
    return issuer.sign(kinde_event("customer.plan_changed", CHANGED_PLAN))


def of_unknown_kid(issuer: KindeIssuer, kid: str = "nobody's") -> bytes:
    return compact({"alg": "RS256", "kid": kid}, b"{}", issuer.key)


def verify(body: bytes) -> Envelope:
    """Verify a delivery without the endpoint, which takes no database."""
    return get_provider("kinde").verify(Delivery(body=body, received_at=datetime.now(UTC)))


def assert_cannot_decide(response: Any) -> None:
    assert (response.status_code, response.get("Retry-After")) == (503, "30")


def wait_for_refresh(origin: Origin, requests: int) -> None:
    """Wait for the end of a fetch in the background, or its clock would be moved under it."""
    keys: KeySet = get_provider("kinde").keys  # type: ignore[attr-defined]
    wait_until(lambda: origin.requests == requests and not keys._fetching.locked())


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.perf_counter() + WAIT_SECONDS
    while not is_so() and time.perf_counter() < deadline:
        time.sleep(0.005)
    assert is_so()


def test_keys__fetched_once(issuer: KindeIssuer, deliver: Deliver) -> None:
    assert [deliver(genuine(issuer)).status_code for _ in range(5)] == [200] * 5
    assert issuer.requests == 1


def test_keys__shared_with_the_next_process(issuer: KindeIssuer, deliver: Deliver) -> None:
    deliver(genuine(issuer))
    providers._instances.clear()

    assert deliver(genuine(issuer)).status_code == 200
    assert issuer.requests == 1


def test_keys__outlive_kinde(issuer: KindeIssuer, origin: Origin, deliver: Deliver) -> None:
    deliver(genuine(issuer))
    origin.answer = answer(b"", "503 Service Unavailable")
    providers._instances.clear()

    assert deliver(genuine(issuer)).status_code == 200
    assert origin.requests == 1


def test_first_fetch__one_for_all_who_wait(issuer: KindeIssuer, origin: Origin) -> None:
    origin.open.clear()
    bodies = [genuine(issuer) for _ in range(8)]
    with ThreadPoolExecutor(len(bodies)) as pool:
        envelopes = [pool.submit(verify, body) for body in bodies]
        wait_until(lambda: origin.requests == 1)
        origin.open.set()
        assert all(envelope.result().identity for envelope in envelopes)

    assert origin.requests == 1


def test_first_fetch__not_waited_for_without_end(
    issuer: KindeIssuer, origin: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keys, "FETCH_WAIT_SECONDS", 0.05)
    origin.open.clear()
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(verify, genuine(issuer))
        wait_until(lambda: origin.requests == 1)
        with pytest.raises(CannotVerifyNow, match="keys_unavailable"):
            verify(genuine(issuer))
        origin.open.set()
        assert first.result().identity


def test_unknown_kid__refused_after_one_fetch(
    issuer: KindeIssuer, origin: Origin, deliver: Deliver
) -> None:
    assert deliver(of_unknown_kid(issuer)).status_code == 401
    assert origin.requests == 1


def test_unknown_kid__one_fetch_more_with_keys_at_hand(
    issuer: KindeIssuer, origin: Origin, deliver: Deliver
) -> None:
    deliver(genuine(issuer))

    assert deliver(of_unknown_kid(issuer)).status_code == 401
    assert origin.requests == 2


def test_flood_of_unknown_kids__no_fetch_within_the_cool_down(
    issuer: KindeIssuer, origin: Origin, deliver: Deliver, clock: Clock
) -> None:
    deliver(genuine(issuer))
    deliver(of_unknown_kid(issuer))
    for number in range(200):
        assert_cannot_decide(deliver(of_unknown_kid(issuer, f"kid-{number}")))
        clock.advance(0.1)

    assert origin.requests == 2
    assert deliver(genuine(issuer)).status_code == 200
    assert WebhookEvent.objects.count() == 2


def test_flood_of_unknown_kids__one_fetch_per_cool_down_of_all_processes(
    issuer: KindeIssuer, origin: Origin, deliver: Deliver, clock: Clock
) -> None:
    deliver(genuine(issuer))
    for number in range(60):
        providers._instances.clear()
        deliver(of_unknown_kid(issuer, f"kid-{number}"))
        clock.advance(1.1)

    assert origin.requests == 1 + 3


def test_flood_without_kinde__one_attempt_per_cool_down_of_all_processes(
    issuer: KindeIssuer, origin: Origin, deliver: Deliver, clock: Clock
) -> None:
    origin.answer = answer(b"", "500 Internal Server Error")
    for _ in range(60):
        providers._instances.clear()
        assert_cannot_decide(deliver(genuine(issuer)))
        clock.advance(1.1)

    assert origin.requests == 3
    assert not WebhookEvent.objects.exists()


def test_rotation__seen_at_once(issuer: KindeIssuer, origin: Origin, deliver: Deliver) -> None:
    deliver(genuine(issuer))
    successor = KindeIssuer()
    origin.answer = answer(successor.jwks)

    assert deliver(genuine(successor)).status_code == 200
    assert origin.requests == 2


def test_rotation_within_the_cool_down__seen_after_it(
    issuer: KindeIssuer, origin: Origin, deliver: Deliver, clock: Clock
) -> None:
    deliver(genuine(issuer))
    deliver(of_unknown_kid(issuer))
    successor = KindeIssuer()
    origin.answer = answer(successor.jwks)

    assert_cannot_decide(deliver(genuine(successor)))
    clock.advance(31)
    assert deliver(genuine(successor)).status_code == 200


def test_rotation__taken_over_from_another_process(
    issuer: KindeIssuer, origin: Origin, deliver: Deliver
) -> None:
    deliver(genuine(issuer))
    successor = KindeIssuer()
    origin.answer = answer(successor.jwks)
    assert KeySet(origin.url).find(successor.kid)

    assert deliver(genuine(successor)).status_code == 200
    assert origin.requests == 2


def test_known_key__verified_while_an_unknown_one_is_fetched(
    issuer: KindeIssuer, origin: Origin
) -> None:
    verify(genuine(issuer))
    origin.open.clear()
    successor = KindeIssuer()
    with ThreadPoolExecutor(1) as pool:
        origin.answer = answer(successor.jwks)
        rotated = pool.submit(verify, genuine(successor))
        wait_until(lambda: origin.requests == 2)
        assert verify(genuine(issuer)).identity
        with pytest.raises(CannotVerifyNow, match="keys_being_fetched"):
            verify(of_unknown_kid(issuer))
        origin.open.set()
        assert rotated.result().identity

    assert origin.requests == 2


def test_old_keys__refreshed_in_the_background(
    issuer: KindeIssuer, origin: Origin, deliver: Deliver, clock: Clock
) -> None:
    deliver(genuine(issuer))
    successor = KindeIssuer()
    both = {"keys": [issuer.public_jwk(), successor.public_jwk()]}
    origin.answer = answer(json.dumps(both).encode())
    clock.advance(AN_HOUR + 1)

    assert deliver(genuine(issuer)).status_code == 200
    wait_until(lambda: cache.get(KeySet(origin.url)._cache_key)["jwks"] == both)
    assert deliver(genuine(successor)).status_code == 200
    assert origin.requests == 2


def test_young_keys__not_refreshed(
    issuer: KindeIssuer, origin: Origin, deliver: Deliver, clock: Clock
) -> None:
    deliver(genuine(issuer))
    clock.advance(AN_HOUR - 60)
    deliver(genuine(issuer))

    time.sleep(0.05)
    assert origin.requests == 1


def endless() -> Iterable[bytes]:
    """Send more than anybody should read, until nobody does."""
    yield b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"
    while True:
        yield b" " * 64 * 1024


def one_key(issuer: KindeIssuer, **members: Any) -> dict[str, Any]:
    return {**issuer.public_jwk(), **members}


def document(*entries: Any) -> bytes:
    return answer(json.dumps({"keys": entries}).encode())


OTHER = KindeIssuer(kid="other")
SECRET_KEY = json.dumps({"keys": [{"kty": "oct", "k": "c2VjcmV0", "kid": "k"}]}).encode()
HEAD = b"HTTP/1.1 200 OK\r\nConnection: close\r\n"

# Nothing here is a set with a usable key, however it calls itself.
USELESS: dict[str, Answer] = {
    "404": answer(OTHER.jwks, "404 Not Found"),
    "500": answer(OTHER.jwks, "500 Internal Server Error"),
    "503": answer(OTHER.jwks, "503 Service Unavailable", "Retry-After: 9999"),
    "redirect": answer(b"", "302 Found", "Location: http://127.0.0.1:1/keys"),
    "permanent-redirect": answer(b"", "308 Permanent Redirect", "Location: file:///etc/passwd"),
    "no-reply": b"",
    "garbage": b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
    "endless-header-line": HEAD + b"X: " + b"x" * 100_000,
    "101-headers": HEAD + b"X: x\r\n" * 101 + b"\r\n" + OTHER.jwks,
    "cut-off": HEAD + b"Content-Length: 9999\r\n\r\n" + OTHER.jwks[:100],
    "cut-off-chunk": HEAD + b"Transfer-Encoding: chunked\r\n\r\nffff\r\n" + OTHER.jwks[:100],
    "no-chunks": HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + OTHER.jwks,
    "html": answer(b"<!DOCTYPE html><title>Maintenance</title>"),
    "empty": answer(b""),
    "204": answer(b"", "204 No Content"),
    "gzip": answer(gzip.compress(OTHER.jwks), "200 OK", "Content-Encoding: gzip"),
    "invalid-utf8": answer(b'{"keys":"\xff"}'),
    "utf16": answer(OTHER.jwks.decode().encode("utf-16")),
    "nested": answer(b"[" * 100_000),
    "5000-digits": answer(b"1" * 5000),
    "huge": answer(OTHER.jwks + b" " * 512 * 1024),
    "endless": endless,
    "array": answer(b"[]"),
    "null": answer(b"null"),
    "keys-missing": answer(b"{}"),
    "keys-null": answer(b'{"keys": null}'),
    "keys-object": answer(b'{"keys": {}}'),
    "keys-text": answer(b'{"keys": "abc"}'),
    "keys-empty": answer(b'{"keys": []}'),
    "keys-of-nothing": answer(b'{"keys": [null, 1, "k", [], {}]}'),
    "secret-key": answer(SECRET_KEY),
}


@pytest.fixture(params=USELESS)
def useless(request: pytest.FixtureRequest) -> Answer:
    return USELESS[request.param]


def test_useless_answer__503_without_keys(
    issuer: KindeIssuer,
    origin: Origin,
    deliver: Deliver,
    useless: Answer,
    caplog: pytest.LogCaptureFixture,
) -> None:
    origin.answer = useless

    assert_cannot_decide(deliver(genuine(issuer)))
    assert "reason=keys_unavailable" in caplog.messages[-1]
    assert not WebhookEvent.objects.exists()


def test_useless_answer__old_keys_kept(
    issuer: KindeIssuer,
    origin: Origin,
    deliver: Deliver,
    useless: Answer,
    caplog: pytest.LogCaptureFixture,
) -> None:
    deliver(genuine(issuer))
    origin.answer = useless

    assert_cannot_decide(deliver(of_unknown_kid(issuer)))
    assert deliver(genuine(issuer)).status_code == 200
    assert [record.levelname for record in caplog.records] == ["ERROR", "WARNING"]


def test_useless_answer__old_keys_kept_by_the_refresh(
    issuer: KindeIssuer, origin: Origin, deliver: Deliver, clock: Clock
) -> None:
    deliver(genuine(issuer))
    origin.answer = answer(b'{"keys": []}')
    for requests in (2, 3):
        clock.advance(AN_HOUR + 1)
        assert deliver(genuine(issuer)).status_code == 200
        wait_for_refresh(origin, requests)

    assert deliver(genuine(issuer)).status_code == 200


@pytest.mark.parametrize(
    "content",
    [HEAD + b"\r\n" + OTHER.jwks, HEAD + b"X: x\r\n" * 90],
    ids=["body", "header"],
)
def test_trickle__given_up(
    issuer: KindeIssuer,
    origin: Origin,
    deliver: Deliver,
    monkeypatch: pytest.MonkeyPatch,
    content: bytes,
) -> None:
    monkeypatch.setattr(fetching, "TOTAL_SECONDS", 0.2)
    origin.answer = trickle(content, pause=0.01)

    began = time.perf_counter()
    assert_cannot_decide(deliver(genuine(issuer)))
    assert time.perf_counter() - began < 2


def test_silence__given_up(
    issuer: KindeIssuer, origin: Origin, deliver: Deliver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "SOCKET_TIMEOUT_SECONDS", 0.2)
    origin.open.clear()

    began = time.perf_counter()
    assert_cannot_decide(deliver(genuine(issuer)))
    assert time.perf_counter() - began < 2


def test_redirect__not_followed(issuer: KindeIssuer, origin: Origin, deliver: Deliver) -> None:
    location = f"Location: {issuer.url}/.well-known/jwks.json"
    origin.answer = answer(b"", "302 Found", location)

    assert_cannot_decide(deliver(genuine(issuer)))
    assert issuer.requests == 0


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:1/refused",
        "https://127.0.0.1:1/refused",
        "https://127.0.0.1:99999/",
        "https://127.0.0.1:1/ /",
        "https://a..example/",
        "http://acme.kinde.com/",
        "file://localhost/etc/passwd",
        "ftp://127.0.0.1/keys",
    ],
)
def test_unusable_url__503(
    issuer: KindeIssuer,
    deliver: Deliver,
    url: str,
    settings: LazySettings,
    caplog: pytest.LogCaptureFixture,
) -> None:
    configure(settings, ISSUER=issuer.url, JWKS_URL=url)

    assert_cannot_decide(deliver(genuine(issuer)))
    assert "reason=keys_unavailable" in caplog.messages[-1]


def test_url_without_tls__not_fetched(
    issuer: KindeIssuer, origin: Origin, deliver: Deliver, settings: LazySettings
) -> None:
    elsewhere = origin.url.replace("127.0.0.1", "0.0.0.0")  # noqa: S104
    configure(settings, ISSUER=issuer.url, JWKS_URL=elsewhere)

    assert_cannot_decide(deliver(genuine(issuer)))
    assert origin.requests == 0


def test_unknown_kid_without_kinde__cannot_be_decided(
    issuer: KindeIssuer, origin: Origin, deliver: Deliver
) -> None:
    deliver(genuine(issuer))
    origin.answer = b""

    assert_cannot_decide(deliver(of_unknown_kid(issuer)))


@pytest.fixture
def unreachable_cache(issuer: KindeIssuer, settings: LazySettings) -> None:
    settings.CACHES = {"default": {"BACKEND": "tests.kinde.caches.UnreachableCache"}}


@pytest.mark.usefixtures("unreachable_cache")
def test_unreachable_cache__keeps_nobody_out(issuer: KindeIssuer, deliver: Deliver) -> None:
    assert [deliver(genuine(issuer)).status_code for _ in range(3)] == [200] * 3
    assert issuer.requests == 1


@pytest.mark.usefixtures("unreachable_cache")
def test_unreachable_cache__old_keys_kept_in_memory(
    issuer: KindeIssuer, origin: Origin, deliver: Deliver
) -> None:
    deliver(genuine(issuer))
    origin.answer = answer(b"", "500 Internal Server Error")

    assert_cannot_decide(deliver(of_unknown_kid(issuer)))
    assert deliver(genuine(issuer)).status_code == 200


@pytest.mark.usefixtures("unreachable_cache")
def test_unreachable_cache__cool_down_of_the_process(issuer: KindeIssuer, deliver: Deliver) -> None:
    deliver(genuine(issuer))

    assert deliver(of_unknown_kid(issuer)).status_code == 401
    for number in range(10):
        assert_cannot_decide(deliver(of_unknown_kid(issuer, f"kid-{number}")))
    assert issuer.requests == 2


@pytest.mark.parametrize(
    "stored",
    [{}, {"at": "now"}, {"at": 1.0}, {"at": 1.0, "jwks": None}, [], "x", {"jwks": {"keys": []}}],
    ids=repr,
)
def test_something_else_in_the_cache__passed_over(
    issuer: KindeIssuer, origin: Origin, deliver: Deliver, stored: Any
) -> None:
    cache.set(KeySet(origin.url)._cache_key, stored)

    assert deliver(genuine(issuer)).status_code == 200


def test_new_configuration__its_own_keys(
    issuer: KindeIssuer, origin: Origin, deliver: Deliver, settings: LazySettings
) -> None:
    deliver(genuine(issuer))
    with KindeIssuer() as other:
        configure(settings, ISSUER=other.url)
        assert deliver(genuine(issuer)).status_code == 401
        assert deliver(genuine(other)).status_code == 200


def rsa_jwk(bits: int) -> dict[str, Any]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=bits)
    return dict(RSAAlgorithm.to_jwk(key.public_key(), as_dict=True))


def ec_jwk() -> dict[str, Any]:
    key = ec.generate_private_key(ec.SECP256R1())
    return dict(ECAlgorithm.to_jwk(key.public_key(), as_dict=True))


# Each replaces members of a usable key; None leaves the member out.
UNUSABLE_KEYS: dict[str, dict[str, Any]] = {
    "no-kid": {"kid": None},
    "kid-number": {"kid": 1},
    "kty-missing": {"kty": None},
    "kty-ec": ec_jwk(),
    "kty-oct": {"kty": "oct", "k": "c2VjcmV0"},
    "kty-lower-case": {"kty": "rsa"},
    "alg-rs512": {"alg": "RS512"},
    "alg-none": {"alg": "none"},
    "use-enc": {"use": "enc"},
    "use-list": {"use": ["sig"]},
    "key-ops-encrypt": {"key_ops": ["encrypt"]},
    "key-ops-empty": {"key_ops": []},
    "key-ops-text": {"key_ops": "verify"},
    "1024-bits": rsa_jwk(1024),
    "2047-bits": rsa_jwk(2047),
    "64-kbit": {"n": base64url(b"\xff" * 8192).decode()},
    "8200-bits": {"n": base64url(b"\xff" * 1025).decode()},
    "n-missing": {"n": None},
    "n-number": {"n": 65537},
    "n-empty": {"n": ""},
    "n-no-base64": {"n": "é" * 342},
    "n-impossible-length": {"n": "A" * 341},
    "e-missing": {"e": None},
    "e-number": {"e": 65537},
    "e-empty": {"e": ""},
    "e-zero": {"e": "AA"},
    "e-1": {"e": "AQ"},
    "e-2": {"e": "Ag"},
    "e-even": {"e": "AQAA"},
    "e-beyond-n": {"e": base64url(b"\xff" * 300).decode()},
}


@pytest.mark.parametrize("members", UNUSABLE_KEYS.values(), ids=UNUSABLE_KEYS.keys())
def test_unusable_key__passed_over(members: dict[str, Any]) -> None:
    entry = {**OTHER.public_jwk(), **members}
    entry = {name: value for name, value in entry.items() if value is not None}

    assert list(usable_keys({"keys": [entry]})) == []
    assert list(usable_keys({"keys": [entry, OTHER.public_jwk()]})) == ["other"]


@pytest.mark.parametrize(
    "members",
    [
        {"alg": None},
        {"use": None},
        {"key_ops": ["verify"]},
        {"x5c": ["MIIB"], "new": {"x": 1}},
        rsa_jwk(3072),
        rsa_jwk(4096),
    ],
    ids=["no-alg", "no-use", "key-ops", "more-members", "3072-bits", "4096-bits"],
)
def test_usable_key__kept(members: dict[str, Any]) -> None:
    entry = {**OTHER.public_jwk(), **members}
    entry = {name: value for name, value in entry.items() if value is not None}

    assert list(usable_keys({"keys": [entry]})) == ["other"]


def test_usable_key__null_members_are_as_if_missing() -> None:
    entry = {**OTHER.public_jwk(), "alg": None, "use": None, "key_ops": None}

    assert list(usable_keys({"keys": [entry]})) == ["other"]


def test_published_private_key__verifies_and_is_told(
    issuer: KindeIssuer, origin: Origin, deliver: Deliver, caplog: pytest.LogCaptureFixture
) -> None:
    private = {**RSAAlgorithm.to_jwk(issuer.key, as_dict=True), "kid": issuer.kid}
    private.pop("key_ops")
    origin.answer = document(private)

    assert deliver(genuine(issuer)).status_code == 200
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert private["d"] not in caplog.text


def test_kid_of_several_keys__each_is_tried(
    issuer: KindeIssuer, origin: Origin, deliver: Deliver, foreign_key: RSAPrivateKey
) -> None:
    wrong = one_key(KindeIssuer(kid=issuer.kid))
    origin.answer = document(*[wrong] * 3, issuer.public_jwk())

    assert deliver(genuine(issuer)).status_code == 200
    body = compact({"alg": "RS256", "kid": issuer.kid}, b"{}", foreign_key)
    assert deliver(body).status_code == 401
    assert origin.requests == 1


def test_kid_of_many_keys__not_all_are_tried() -> None:
    found = usable_keys({"keys": [OTHER.public_jwk()] * 200})

    assert len(found["other"]) == keys.MAX_KEYS_PER_KID


def test_set_of_many_keys__beginning_is_kept() -> None:
    entries = [one_key(OTHER, kid=str(number)) for number in range(150)]

    assert list(usable_keys({"keys": entries})) == [str(number) for number in range(100)]
