"""What the tests of Kinde share: somebody else's keys, a key set endpoint, a clock."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from django.test import Client

from billing_webhooks.testing import KindeIssuer
from tests.kinde.origin import Origin, answer

Deliver = Callable[..., Any]


class Clock:
    """The process's time, which can be made to pass."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def advance(self, seconds: float) -> None:
        self.ahead += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """A clock in front of the real one, for the keys and for the cache alike."""
    clock, wall, monotonic = Clock(), time.time, time.monotonic
    monkeypatch.setattr(time, "time", lambda: wall() + clock.ahead)
    monkeypatch.setattr(time, "monotonic", lambda: monotonic() + clock.ahead)
    return clock


@pytest.fixture(scope="session")
def foreign_key() -> RSAPrivateKey:
    """A key of somebody who is not the tenant."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture
def deliver(client: Client) -> Deliver:
    """Post a body to the endpoint as Kinde does."""

    def post(body: bytes, alias: str = "kinde", **extra: Any) -> Any:
        return client.post(f"/webhooks/{alias}", body, content_type="application/jwt", **extra)

    return post


@pytest.fixture
def origin(issuer: KindeIssuer, settings: Any) -> Iterator[Origin]:
    """The place the key set of `kinde` is fetched from, good until its answer is changed."""
    with Origin(answer(issuer.jwks)) as origin:
        configure(settings, ISSUER=issuer.url, JWKS_URL=origin.url)
        yield origin


def configure(settings: Any, **options: Any) -> None:
    """Give the provider `kinde` these OPTIONS."""
    settings.BILLING_WEBHOOKS_PROVIDERS = {
        **settings.BILLING_WEBHOOKS_PROVIDERS,
        "kinde": {
            "BACKEND": "billing_webhooks.providers.kinde.KindeProvider",
            "OPTIONS": options,
        },
    }
