"""The keys where the cache is out of reach, or holds something else."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import LazySettings
from django.core.cache import cache

from billing_webhooks.providers.kinde.keys import KeySet
from billing_webhooks.testing import KindeIssuer
from tests.kinde.conftest import Deliver
from tests.kinde.keys.conftest import assert_cannot_decide, genuine, of_unknown_kid
from tests.kinde.origin import Origin, answer
from tests.once import on_one_database

on_one_database()

# In no transaction: what one thread keeps, others are to see.
pytestmark = pytest.mark.django_db(transaction=True)

WAIT_SECONDS = 5.0
AN_HOUR = 60 * 60


def kept_under(origin: Origin) -> str:
    """Return the name in the cache under which processes share the keys."""
    return f"billing_webhooks:{KeySet(origin.url).name}"


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
    [
        *({}, [], 1, b"", "", "x", "[]", "null", "{}", "[" * 100_000),
        '{"fetched_at": 1, "keys": null}',
        '{"fetched_at": "now", "keys": []}',
        '{"fetched_at": 1, "keys": [{}]}',
        '{"fetched_at": 1, "keys": [{"kty": "RSA", "n": "AQ", "e": "AQ", "kid": "x"}]}',
    ],
    ids=repr,
)
def test_something_else_in_the_cache__passed_over(
    issuer: KindeIssuer, origin: Origin, deliver: Deliver, stored: Any
) -> None:
    cache.set(kept_under(origin), stored)

    assert deliver(genuine(issuer)).status_code == 200
