"""Keys after a restart, after they have vanished, and after somebody has dropped them."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

import pytest
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from billing_webhooks import providers
from billing_webhooks.models import KeptText, WebhookEvent
from billing_webhooks.providers.kinde import keys
from billing_webhooks.providers.kinde.ring import GRACE_SECONDS
from billing_webhooks.testing import KindeIssuer
from tests.kinde.conftest import Clock, Deliver
from tests.kinde.keys.conftest import assert_cannot_decide, genuine, of_unknown_kid
from tests.kinde.origin import Origin, answer

pytestmark = pytest.mark.django_db

AN_HOUR = 60 * 60
DOWN = answer(b"", "503 Service Unavailable")


def restart() -> None:
    """Begin a process that has nothing in memory, nor in a cache of its own."""
    providers._instances.clear()
    cache.clear()


def rotate(origin: Origin, deliver: Deliver, clock: Clock) -> KindeIssuer:
    """Let the set hold another tenant's key alone, and that be known here."""
    successor = KindeIssuer()
    origin.answer = answer(successor.jwks)
    clock.advance(keys.COOL_DOWN_SECONDS + 1)
    assert deliver(genuine(successor)).status_code == 200
    return successor


def command(*arguments: str) -> str:
    output = StringIO()
    call_command("billing_webhooks", "keys", *arguments, stdout=output)
    return output.getvalue()


def test_restart_while_kinde_is_down__verifies(
    issuer: KindeIssuer, origin: Origin, deliver: Deliver
) -> None:
    deliver(genuine(issuer))
    origin.answer = DOWN
    restart()

    assert deliver(genuine(issuer)).status_code == 200
    assert origin.requests == 1


def test_restart_after_a_week_without_kinde__cannot_decide(
    issuer: KindeIssuer, origin: Origin, deliver: Deliver, clock: Clock
) -> None:
    deliver(genuine(issuer))
    origin.answer = DOWN
    restart()
    clock.advance(keys.KEEP_SECONDS + 1)

    assert_cannot_decide(deliver(genuine(issuer)))
    assert WebhookEvent.objects.count() == 1


def test_flood__one_attempt_per_cool_down_though_processes_share_no_cache(
    issuer: KindeIssuer, origin: Origin, deliver: Deliver, clock: Clock
) -> None:
    deliver(genuine(issuer))
    for number in range(60):
        restart()
        deliver(of_unknown_kid(issuer, f"kid-{number}"))
        clock.advance(1.1)

    assert origin.requests == 1 + 3


def test_flood__no_query_but_now_and_then(
    issuer: KindeIssuer, origin: Origin, deliver: Deliver, clock: Clock
) -> None:
    deliver(genuine(issuer))
    deliver(of_unknown_kid(issuer))
    clock.advance(keys.LOOK_EVERY_SECONDS + 1)
    with CaptureQueriesContext(connection) as queries:
        for number in range(100):
            assert_cannot_decide(deliver(of_unknown_kid(issuer, f"kid-{number}")))

    assert len(queries) == 1


def test_flood_without_any_key__no_query_but_now_and_then(
    issuer: KindeIssuer, origin: Origin, deliver: Deliver
) -> None:
    origin.answer = DOWN
    assert_cannot_decide(deliver(genuine(issuer)))
    with CaptureQueriesContext(connection) as queries:
        for number in range(100):
            assert_cannot_decide(deliver(of_unknown_kid(issuer, f"kid-{number}")))

    assert len(queries) == 0


def test_rotation_in_another_process__seen_without_a_shared_cache(
    issuer: KindeIssuer, origin: Origin, deliver: Deliver, clock: Clock
) -> None:
    deliver(genuine(issuer))
    here = dict(providers._instances)
    restart()
    successor = rotate(origin, deliver, clock)
    providers._instances.update(here)
    cache.clear()

    assert deliver(genuine(successor)).status_code == 200
    assert origin.requests == 2


def test_vanished_key__honoured_for_a_grace(
    issuer: KindeIssuer, origin: Origin, deliver: Deliver, clock: Clock
) -> None:
    deliver(genuine(issuer))
    successor = rotate(origin, deliver, clock)
    restart()
    assert deliver(genuine(issuer)).status_code == 200

    clock.advance(GRACE_SECONDS + 1)
    assert deliver(genuine(issuer)).status_code == 401
    assert deliver(genuine(successor)).status_code == 200


def test_vanished_key__that_comes_back_is_published_again(
    issuer: KindeIssuer, origin: Origin, deliver: Deliver, clock: Clock
) -> None:
    deliver(genuine(issuer))
    successor = rotate(origin, deliver, clock)
    both = {"keys": [issuer.public_jwk(), successor.public_jwk()]}
    origin.answer = answer(json.dumps(both).encode())

    listed = command("--refresh")
    assert listed.count("published") == 2
    assert "gone" not in listed


def test_another_key_under_the_same_id__both_are_tried(
    issuer: KindeIssuer, origin: Origin, deliver: Deliver, clock: Clock
) -> None:
    deliver(genuine(issuer))
    namesake = KindeIssuer(kid=issuer.kid)
    origin.answer = answer(namesake.jwks)
    command("--refresh")

    assert deliver(genuine(namesake)).status_code == 200
    assert deliver(genuine(issuer)).status_code == 200


def test_forget__drops_what_has_vanished(
    issuer: KindeIssuer, origin: Origin, deliver: Deliver, clock: Clock
) -> None:
    deliver(genuine(issuer))
    successor = rotate(origin, deliver, clock)
    assert "gone since" in command()
    assert "gone since" not in command("--forget")

    # By now it is a key like any other that nobody publishes.
    assert_cannot_decide(deliver(genuine(issuer)))
    clock.advance(keys.COOL_DOWN_SECONDS + 1)
    assert deliver(genuine(issuer)).status_code == 401
    assert deliver(genuine(successor)).status_code == 200


def test_forget_by_id__needs_nobody(issuer: KindeIssuer, origin: Origin, deliver: Deliver) -> None:
    deliver(genuine(issuer))
    origin.answer = DOWN

    assert issuer.kid in command()
    assert issuer.kid not in command("--forget", issuer.kid)
    assert_cannot_decide(deliver(genuine(issuer)))


def test_forget__reaches_a_process_that_runs_already(
    issuer: KindeIssuer, origin: Origin, deliver: Deliver, clock: Clock
) -> None:
    deliver(genuine(issuer))
    here = dict(providers._instances)
    restart()
    origin.answer = answer(KindeIssuer().jwks)
    command("--forget")
    providers._instances.update(here)
    clock.advance(keys.LOOK_EVERY_SECONDS)

    refused = deliver(genuine(issuer))
    assert refused.status_code == 401
    assert WebhookEvent.objects.count() == 1


def test_forgotten_key__does_not_come_back_with_a_refresh_elsewhere(
    issuer: KindeIssuer, origin: Origin, deliver: Deliver
) -> None:
    deliver(genuine(issuer))
    here = dict(providers._instances)
    restart()
    successor = KindeIssuer()
    origin.answer = answer(successor.jwks)
    command("--forget")
    # The other one has its keys in memory, and fetches before it looks at what is kept.
    providers._instances.update(here)
    cache.clear()
    assert deliver(genuine(successor)).status_code == 200

    assert origin.requests == 3
    assert issuer.kid not in command()


def test_forget_while_kinde_is_down__changes_nothing(
    issuer: KindeIssuer, origin: Origin, deliver: Deliver
) -> None:
    deliver(genuine(issuer))
    origin.answer = DOWN

    with pytest.raises(CommandError, match="cannot be fetched now"):
        command("--forget")
    assert deliver(genuine(issuer)).status_code == 200


def test_keys__of_a_provider_without_any(issuer: KindeIssuer) -> None:
    assert "none yet" in command("--provider", "kinde")
    with pytest.raises(CommandError, match="No such provider has keys"):
        command("--provider", "billabear")


@pytest.mark.parametrize("text", ["", "x", "{}", '{"fetched_at": 1, "keys": [{}]}'])
def test_something_else_kept__fetched_instead(
    issuer: KindeIssuer, origin: Origin, deliver: Deliver, text: str
) -> None:
    deliver(genuine(issuer))
    KeptText.objects.exclude(text="").update(text=text, claimed_at=None)
    KeptText.objects.update(claimed_at=None)
    restart()

    assert deliver(genuine(issuer)).status_code == 200
    assert origin.requests == 2


def test_kept__public_parts_alone(issuer: KindeIssuer, origin: Origin, deliver: Deliver) -> None:
    private: dict[str, Any] = {**issuer.public_jwk(), "d": "AQAB", "p": "AQAB"}
    origin.answer = answer(json.dumps({"keys": [private]}).encode())
    deliver(genuine(issuer))

    (kept,) = KeptText.objects.exclude(text="")
    (key,) = json.loads(kept.text)["keys"]
    assert key.keys() == {"kty", "n", "e", "kid", "vanished_at"}
