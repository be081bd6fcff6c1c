"""What happens if the keys cannot be fetched."""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Iterable

import pytest
from django.conf import LazySettings

from billing_webhooks.models import WebhookEvent
from billing_webhooks.providers.kinde import fetching
from billing_webhooks.testing import KindeIssuer
from tests.kinde.conftest import Deliver, configure
from tests.kinde.keys.conftest import OTHER, assert_cannot_decide, genuine, of_unknown_kid
from tests.kinde.origin import Answer, Origin, answer, trickle

pytestmark = pytest.mark.django_db

HEAD = b"HTTP/1.1 200 OK\r\nConnection: close\r\n"
SECRET_KEY = json.dumps({"keys": [{"kty": "oct", "k": "c2VjcmV0", "kid": "k"}]}).encode()


def endless() -> Iterable[bytes]:
    """Send more than anybody should read, until nobody does."""
    yield b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"
    while True:
        yield b" " * 64 * 1024


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
