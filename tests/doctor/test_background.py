"""Settings, database and worker, as the doctor sees them; and that it tells no secret."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, NoReturn

import pytest
from django.db import OperationalError, connection
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone

from billing_webhooks.models import Heartbeat, WebhookEvent
from tests.conftest import SECRET, PostKinde
from tests.doctor.conftest import doctor
from tests.overview.events import event

pytestmark = pytest.mark.usefixtures("well")


def test_check__is_a_problem_with_its_hint(settings: Any) -> None:
    settings.BILLING_WEBHOOKS_MAX_ATEMPTS = 3
    (problem,) = doctor().problems
    assert "BILLING_WEBHOOKS_MAX_ATEMPTS" in problem
    assert "billing_webhooks.W001" in problem
    assert "-> Look for a misspelling" in problem


def test_check__that_is_silenced_is_not_said(settings: Any) -> None:
    settings.BILLING_WEBHOOKS_MAX_ATEMPTS = 3
    settings.SILENCED_SYSTEM_CHECKS = ["billing_webhooks.E001"]
    assert doctor().problems == []


def test_migration__that_is_not_applied_is_named() -> None:
    MigrationRecorder.Migration.objects.filter(app="billing_webhooks").delete()
    (problem,) = doctor().problems
    assert "0001_initial" in problem
    assert "-> Run manage.py migrate." in problem


def test_database__that_cannot_be_asked() -> None:
    def refuse(*_: Any) -> NoReturn:
        raise OperationalError("could not connect as shop with password hunter2")

    with connection.execute_wrapper(refuse):
        report = doctor()
    (problem,) = report.problems
    assert "The database 'default' cannot be asked (OperationalError)" in problem
    assert "hunter2" not in report.text


def test_sweep__never() -> None:
    Heartbeat.objects.all().delete()
    (problem,) = doctor().problems
    assert problem.startswith("No sweep has ever run")


def test_sweep__long_ago_and_an_event_due(post_kinde: PostKinde, settings: Any) -> None:
    settings.BILLING_WEBHOOKS_DISPATCH = "deferred"
    post_kinde("customer.agreement_created", {"customer_id": "customer_1"})
    ago = timezone.now() - timedelta(hours=1)
    WebhookEvent.objects.update(next_attempt_at=ago)
    Heartbeat.objects.update(at=ago)
    first, second = doctor().problems
    assert first.startswith("No sweep has run for 1 hour. -> ")
    assert second.startswith("An event has been due for 1 hour")


def test_secrets__are_never_said(settings: Any) -> None:
    settings.MIDDLEWARE = ["tests.doctor.middleware.to_another_host", *settings.MIDDLEWARE]
    settings.BILLING_WEBHOOKS_PROVIDERS["kinde"]["OPTIONS"] = {
        "ISSUER": "http://127.0.0.1:1",
        "JWKS_URL": "http://user:a-secret@127.0.0.1:1/jwks?key=a-secret",
    }
    settings.BILLING_WEBHOOKS_PROVIDERS["billabear"]["OPTIONS"] = {"SECRETS": [SECRET, "a-secret"]}
    report = doctor()
    assert len(report.problems) == 4
    assert SECRET not in report.text
    assert "a-secret" not in report.text


def test_silence__is_told_without_advice_on_the_sweep() -> None:
    ago = timezone.now() - timedelta(hours=1)
    WebhookEvent.objects.bulk_create(event(ago - timedelta(minutes=n)) for n in range(20))
    assert doctor().problems == ["Nothing from kinde for 1 hour; usual gap 1 minute."]


def test_alias__that_cannot_be_used_is_told_once(settings: Any) -> None:
    settings.BILLING_WEBHOOKS_PROVIDERS["shop"] = {"BACKEND": "no.such.Provider"}
    assert len([each for each in doctor().problems if "no.such.Provider" in each]) == 1
