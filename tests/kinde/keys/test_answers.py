"""What happens if the keys cannot be fetched."""

from __future__ import annotations

import time

import pytest
from django.conf import LazySettings

from billing_webhooks.providers import fetching
from billing_webhooks.testing import KindeIssuer
from tests.kinde.conftest import Deliver, configure
from tests.kinde.keys.answers import HEAD
from tests.kinde.keys.conftest import OTHER, assert_cannot_decide, genuine, of_unknown_kid
from tests.kinde.origin import Origin, answer, trickle
from tests.once import on_one_database

on_one_database()

pytestmark = pytest.mark.django_db


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
