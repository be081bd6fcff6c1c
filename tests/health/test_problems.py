"""Each problem comes when a threshold is passed, and goes with its cause."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import FrozenInstanceError, fields
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from billing_webhooks import health, heartbeats
from billing_webhooks.models import Heartbeat, KeptText, WebhookEvent
from billing_webhooks.providers import get_provider
from billing_webhooks.pruning import prune
from billing_webhooks.testing import KindeIssuer
from tests.health.conftest import MINUTE, Received, about

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("well")]

HOUR = timedelta(hours=1)
EVERY_TEN_MINUTES = range(60, 260, 10)


def test_well__has_no_problems(received: Received) -> None:
    received(1, 2, 3)
    assert health().problems == ()
    assert health().is_well


def test_health__cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        health().due = 5  # type: ignore[misc]


def test_package__is_imported_without_django() -> None:
    code = "import sys, billing_webhooks; sys.exit('django' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


class TestSweep:
    def test_never(self) -> None:
        Heartbeat.objects.all().delete()
        assert about() == [("sweep", "")]

    def test_long_ago__by_the_setting(self, settings: Any) -> None:
        Heartbeat.objects.update(at=timezone.now() - 20 * MINUTE)
        assert about() == [("sweep", "")]
        settings.BILLING_WEBHOOKS_HEALTH_LONGEST_WITHOUT_SWEEP = HOUR
        assert about() == []


class TestDue:
    def test_long__by_the_setting(self, received: Received, settings: Any) -> None:
        due_since = timezone.now() - 20 * MINUTE
        received(20, state="pending", next_attempt_at=due_since)
        assert about() == [("due", "")]
        assert (health().due, health().oldest_due) == (1, due_since)
        settings.BILLING_WEBHOOKS_HEALTH_LONGEST_DUE = HOUR
        assert about() == []

    def test_oldest__for_how_long(self, received: Received) -> None:
        received(2, 9, state="pending", next_attempt_at=timezone.now() - 9 * MINUTE)
        waited = health().oldest_due_for
        assert waited is not None
        assert 9 * MINUTE <= waited < 10 * MINUTE


@pytest.mark.parametrize("hours", [-1, 1], ids=["behind", "ahead"])
def test_clock__of_this_host_does_not_matter(monkeypatch: pytest.MonkeyPatch, hours: int) -> None:
    right = timezone.now
    Heartbeat.objects.all().delete()
    heartbeats.beat("default", "sweep")
    monkeypatch.setattr(timezone, "now", lambda: right() + hours * HOUR)
    assert about() == []
    assert abs(health().at - right()) < MINUTE


class TestDead:
    def test_more_than_are_allowed(self, received: Received, settings: Any) -> None:
        received(1, 2, state="dead", processed_at=timezone.now())
        assert about() == [("dead", "")]
        settings.BILLING_WEBHOOKS_HEALTH_DEAD_IN_A_DAY = 2
        assert about() == []
        settings.BILLING_WEBHOOKS_HEALTH_DEAD_IN_A_DAY = 1
        assert about() == [("dead", "")]


class TestSilence:
    def test_longer_than_ever__is_told_until_something_comes(self, received: Received) -> None:
        received(*EVERY_TEN_MINUTES)
        [problem] = health().problems
        assert (problem.about, problem.alias) == ("silence", "kinde")
        assert problem.text == "Nothing from kinde for 1 hour; usual gap 10 minutes."
        received(0)
        assert about() == []

    def test_factor__by_the_setting(self, received: Received, settings: Any) -> None:
        received(*EVERY_TEN_MINUTES)
        settings.BILLING_WEBHOOKS_HEALTH_SILENCE_FACTOR = 7
        assert about() == []

    def test_factor__of_0_is_for_ever(self, received: Received, settings: Any) -> None:
        received(*(10 * ago for ago in EVERY_TEN_MINUTES))
        settings.BILLING_WEBHOOKS_HEALTH_SILENCE_FACTOR = 0
        assert about() == []

    def test_pruning__does_not_forget_when_they_came(
        self, received: Received, settings: Any
    ) -> None:
        settings.BILLING_WEBHOOKS_RETENTION = MINUTE
        received(*EVERY_TEN_MINUTES)
        assert prune() == len(EVERY_TEN_MINUTES)
        assert about() == [("silence", "kinde")]

    def test_former_alias__may_be_silent(self, received: Received) -> None:
        received(*EVERY_TEN_MINUTES, provider="former")
        assert about() == []

    def test_last_event__of_each_alias(self, received: Received) -> None:
        received(5, 10)
        kinde, billabear = health().aliases
        assert (kinde.alias, billabear.alias) == ("kinde", "billabear")
        assert kinde.rhythm.last_at == WebhookEvent.objects.latest("received_at").received_at
        assert (kinde.rhythm.usual_gap, billabear.rhythm.last_at) == (5 * MINUTE, None)


def age_keys(days: float) -> None:
    """Let the key set that all processes know have been fetched so many days ago."""
    kept = KeptText.objects.get(text__contains="fetched_at")
    now = timezone.now().timestamp()
    renewed = get_provider("kinde").keys.ring()  # type: ignore[attr-defined]
    aged = type(renewed)(now - days * 86_400, renewed.keys)
    KeptText.objects.filter(name=kept.name).update(text=aged.dumps())


class TestKeys:
    @pytest.fixture(autouse=True)
    def fetched(self, issuer: KindeIssuer) -> None:
        get_provider("kinde").signing_keys(refresh=True)

    def test_old__while_events_come(self, received: Received, settings: Any) -> None:
        age_keys(2)
        received(1)
        [problem] = health().problems
        assert (problem.about, problem.alias) == ("keys", "kinde")
        assert problem.text.startswith("The keys of kinde were fetched 2 days ago, and have not")
        settings.BILLING_WEBHOOKS_HEALTH_KEYS_AGE = timedelta(days=3)
        assert about() == []

    def test_old__of_a_quiet_alias(self, received: Received) -> None:
        age_keys(2)
        received(47 * 60)
        assert about() == []

    def test_fetched_again(self, received: Received) -> None:
        age_keys(2)
        received(1)
        get_provider("kinde").signing_keys(refresh=True)
        assert about() == []


def test_configuration__of_an_alias(settings: Any) -> None:
    settings.BILLING_WEBHOOKS_PROVIDERS = {"shop": {"BACKEND": "no.such.Provider"}}
    [problem] = health().problems
    assert (problem.about, problem.alias) == ("configuration", "shop")
    assert "cannot be imported" in problem.text


def test_broker__is_not_asked_without_celery() -> None:
    assert health(broker=True).broker_answers is None


def statements() -> int:
    with CaptureQueriesContext(connection) as queries:
        health()
    return len(queries)


def test_statements__as_many_for_many_events(received: Received, settings: Any) -> None:
    # Five for all, one for each of two aliases, one for the keys of one.
    assert statements() == 8
    received(*range(400))
    received(*range(50), state="pending", next_attempt_at=timezone.now())
    assert statements() == 8
    settings.BILLING_WEBHOOKS_DISPATCH = "celery"
    assert statements() == 9


def test_statements__four_more_for_an_alias_that_is_silent(received: Received) -> None:
    received(*EVERY_TEN_MINUTES)
    assert (about(), statements()) == ([("silence", "kinde")], 12)


def test_json__has_every_field(received: Received) -> None:
    received(1, 2)
    found = health()
    told = found.as_json()
    assert {each.name for each in fields(found)} < set(told)
    assert told["at"] == found.at.isoformat()
    assert told["at"].endswith("+00:00")
    assert told["aliases"][0]["usual_gap_seconds"] == 60
    assert told["problems"] == []
