"""The check for django-health-check, run by that package's own view."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import path
from django.utils import timezone
from health_check.views import HealthCheckView

from billing_webhooks.models import Heartbeat

# The check runs in a thread with a connection of its own.
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.urls(__name__)]

CHECK = "billing_webhooks.contrib.health_check.BillingWebhooks"
checks = HealthCheckView.as_view(checks=[CHECK])
urlpatterns = [path("checks/", checks, name="checks")]


@pytest.fixture(autouse=True)
def _open_to_all(settings: Any) -> None:
    settings.MIDDLEWARE = []


def answer(client: Client) -> tuple[int, str]:
    found = client.get("/checks/", {"format": "text"})
    return found.status_code, found.content.decode().strip()


def test_check__of_an_inbox_that_is_well(client: Client) -> None:
    Heartbeat.objects.create(name="sweep", at=timezone.now())
    assert answer(client) == (200, "BillingWebhooks(broker=False): OK")


def test_check__names_what_is_to_be_looked_at(client: Client, settings: Any) -> None:
    Heartbeat.objects.create(name="sweep", at=timezone.now() - timedelta(hours=1))
    settings.BILLING_WEBHOOKS_PROVIDERS = {"shop": {"BACKEND": "no.such.Provider"}}
    status, text = answer(client)
    assert status == 500
    assert text.endswith("Warning: sweep, configuration (shop)")
