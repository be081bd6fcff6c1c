"""What the tests share: a Kinde tenant on this machine, and ways to post deliveries."""

from __future__ import annotations

import base64
import signal
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connections
from django.test import Client

from billing_webhooks import attempts, providers, refusals
from billing_webhooks.models import WebhookEvent
from billing_webhooks.signals import EventSignal
from billing_webhooks.testing import KindeIssuer, billabear_body, kinde_event

pytest.register_assert_rewrite("tests.contract", "tests.admin_pages.pages")

SECRET = "a-secret-for-the-tests"

PostKinde = Callable[..., Any]
Connect = Callable[..., Any]
PostBillaBear = Callable[..., Any]


def pytest_configure() -> None:
    """Hear Ctrl-C, and let what the tests start hear it, in the background of a shell too."""
    # A shell starts what it puts into the background with SIGINT ignored, which children inherit.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the tests use every database that the settings have."""
    aliases = list(connections.databases)
    for item in items if len(aliases) > 1 else ():
        if mark := item.get_closest_marker("django_db"):
            every = pytest.mark.django_db(**{**mark.kwargs, "databases": aliases})
            item.add_marker(every, append=False)


@pytest.fixture(scope="session")
def _tenant() -> Iterator[KindeIssuer]:
    with KindeIssuer() as issuer:
        yield issuer


@pytest.fixture
def issuer(_tenant: KindeIssuer, settings: Any) -> KindeIssuer:
    """A tenant whose key set nobody has fetched yet, configured as `kinde`."""
    cache.clear()
    providers._instances.clear()
    _tenant.requests = 0
    settings.BILLING_WEBHOOKS_PROVIDERS = {
        **settings.BILLING_WEBHOOKS_PROVIDERS,
        "kinde": {
            "BACKEND": "billing_webhooks.providers.kinde.KindeProvider",
            "OPTIONS": {"ISSUER": _tenant.url},
        },
    }
    return _tenant


@pytest.fixture
def post_kinde(issuer: KindeIssuer, client: Client) -> PostKinde:
    def post(event_type: str, data: Mapping[str, Any], **claims: Any) -> Any:
        body = issuer.sign(kinde_event(event_type, data, **claims))
        return client.post("/webhooks/kinde", body, content_type="application/jwt")

    return post


@pytest.fixture
def post_billabear(client: Client) -> PostBillaBear:
    def post(event_type: str, **content: Any) -> Any:
        return client.post(
            "/webhooks/billabear/",
            billabear_body(event_type, **content),
            content_type="text/plain",
            headers={"Authorization": basic(SECRET)},
        )

    return post


@pytest.fixture
def connect() -> Iterator[Connect]:
    """Connect receivers for the length of a test, under a name of their own."""
    connected: list[tuple[EventSignal, str]] = []

    def connect(signal: EventSignal, function: Callable[..., Any], name: str = "it") -> None:
        signal.connect(function, weak=False, dispatch_uid=name)
        connected.append((signal, name))

    yield connect
    for event_signal, name in connected:
        event_signal.disconnect(dispatch_uid=name)


@pytest.fixture(autouse=True)
def no_refusals() -> None:
    """Nothing was refused yet, or the log of one test would depend on others."""
    refusals.ledger.forget()


@pytest.fixture
def no_waiting(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """What failed is due again at once, and who is dead is soon seen to be."""
    settings.BILLING_WEBHOOKS_BACKOFF_BASE = timedelta()
    monkeypatch.setattr(attempts, "PAUSE_SECONDS", 0.001)


def basic(user: str, password: str = "") -> str:
    """Return the Authorization header that userinfo in a URL becomes."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def make_due() -> None:
    """Make every pending event due, whatever it waits for."""
    WebhookEvent.objects.filter(state="pending").update(next_attempt_at=at("00:00"))


def at(text: str) -> datetime:
    """Return a time of the tests' day, from "10:30" or "10:30:05"."""
    return datetime.fromisoformat(f"2026-03-02T{text}+00:00")
