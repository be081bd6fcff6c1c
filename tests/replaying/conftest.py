"""What the tests of replays share: histories, the command, corrected readings, dumps."""

from __future__ import annotations

from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command

from billing_webhooks.database import patiently, write_alias
from billing_webhooks.models import WebhookEvent
from billing_webhooks.sweeping import sweep
from tests.conftest import at

Run = Callable[..., str]
Correct = Callable[..., None]

SIGN_UP = {
    "customer_id": "customer_1",
    "agreement_id": "agreement_1",
    "plan": {"code": "pro", "name": "Pro"},
    "user": {"email": "ada@example.org"},
}


@pytest.fixture
def run() -> Run:
    """Call the command and return what it says."""

    def run(*arguments: str) -> str:
        out = StringIO()
        call_command("billing_webhooks", *arguments, stdout=out, stderr=StringIO())
        return out.getvalue()

    return run


@pytest.fixture
def correct(settings: Any) -> Correct:
    """Let another class of `tests.replaying.readings` read the events of its provider."""

    def correct(name: str, alias: str = "kinde") -> None:
        configured = settings.BILLING_WEBHOOKS_PROVIDERS
        backend = {"BACKEND": f"tests.replaying.readings.{name}"}
        settings.BILLING_WEBHOOKS_PROVIDERS = {
            **configured,
            alias: {**configured[alias], **backend},
        }

    return correct


def work_off() -> None:
    """Work all pending events, also those that were to wait."""
    pending = WebhookEvent.objects.filter(state="pending")
    # One statement for all of them meets workers in any order, and may be the one that is ended.
    patiently(write_alias(), lambda: pending.update(next_attempt_at=at("00:00")))
    sweep()


def states() -> list[str]:
    return list(WebhookEvent.objects.order_by("received_at").values_list("state", flat=True))
