"""Where the keys come from, how often they are fetched, and who else may have them."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from django.conf import LazySettings
from django.core.cache import cache
from django.db import connections

from billing_webhooks import providers
from billing_webhooks.exceptions import CannotVerifyNow
from billing_webhooks.models import WebhookEvent
from billing_webhooks.providers import get_provider
from billing_webhooks.providers.base import Delivery, Envelope
from billing_webhooks.providers.kinde import keys
from billing_webhooks.providers.kinde.keys import KeySet
from billing_webhooks.testing import KindeIssuer
from tests.kinde.conftest import Clock, Deliver, configure
from tests.kinde.keys.conftest import assert_cannot_decide, genuine, of_unknown_kid
from tests.kinde.origin import Origin, answer
from tests.once import on_one_database

on_one_database()

# In no transaction: what one thread keeps, others are to see.
pytestmark = pytest.mark.django_db(transaction=True)

WAIT_SECONDS = 5.0
AN_HOUR = 60 * 60


def verify(body: bytes) -> Envelope:
    """Verify a delivery without the endpoint, as a process of its own would."""
    try:
        return get_provider("kinde").verify(Delivery(body=body, received_at=datetime.now(UTC)))
    finally:
        connections.close_all()


def wait_for_refresh(origin: Origin, requests: int) -> None:
    """Wait for the end of a fetch in the background, or its clock would be moved under it."""
    keys: KeySet = get_provider("kinde").keys  # type: ignore[attr-defined]
    wait_until(lambda: origin.requests == requests and not keys._fetching.locked())


def kept_under(origin: Origin) -> str:
    """Return the name in the cache under which processes share the keys."""
    return f"billing_webhooks:{KeySet(origin.url).name}"


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
    issuer: KindeIssuer,
    origin: Origin,
    deliver: Deliver,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Whoever comes a second later would wait for the one that fetches.
    monkeypatch.setattr(keys, "FETCH_WAIT_SECONDS", 0.05)
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
    wait_until(lambda: successor.kid in (cache.get(kept_under(origin)) or ""))
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


def test_new_configuration__its_own_keys(
    issuer: KindeIssuer, origin: Origin, deliver: Deliver, settings: LazySettings
) -> None:
    deliver(genuine(issuer))
    with KindeIssuer() as other:
        configure(settings, ISSUER=other.url)
        assert deliver(genuine(issuer)).status_code == 401
        assert deliver(genuine(other)).status_code == 200
