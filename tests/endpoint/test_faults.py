"""What is answered to a fault of ours, and to a refusal of a provider's own."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from billing_webhooks.exceptions import NotProven, Refused
from billing_webhooks.providers.base import Delivery, Envelope
from billing_webhooks.providers.billabear import BillaBearProvider
from tests.conftest import SECRET
from tests.endpoint.deliveries import send

pytestmark = pytest.mark.django_db


class FailsToVerify(BillaBearProvider):
    def verify(self, delivery: Delivery) -> Envelope:
        raise RuntimeError("a fault of ours")


class LooksUpToVerify(BillaBearProvider):
    def verify(self, delivery: Delivery) -> Envelope:
        raise KeyError("a fault that looks like an unknown alias")


class Expired(NotProven):
    """What a provider may have of its own."""


class RefusesInItsOwnWay(BillaBearProvider):
    def verify(self, delivery: Delivery) -> Envelope:
        raise Expired("expired")


class RefusesInNoWayOfOurs(BillaBearProvider):
    def verify(self, delivery: Delivery) -> Envelope:
        raise Refused("refused")


@pytest.fixture
def use_backend(settings: Any) -> Callable[[str], None]:
    """Let `billabear` be served by a provider of this module."""

    def use(name: str) -> None:
        settings.BILLING_WEBHOOKS_PROVIDERS = {
            **settings.BILLING_WEBHOOKS_PROVIDERS,
            "billabear": {"BACKEND": name, "OPTIONS": {"SECRETS": [SECRET]}},
        }

    return use


class TestFaults:
    @pytest.mark.parametrize("name", ["FailsToVerify", "LooksUpToVerify", "Missing"])
    def test_fault_of_ours__come_again(
        self,
        client: Client,
        caplog: pytest.LogCaptureFixture,
        use_backend: Callable[[str], None],
        name: str,
    ) -> None:
        use_backend(f"{__name__}.{name}")
        caplog.set_level(logging.INFO)

        response = send(client)

        assert (response.status_code, response["Retry-After"]) == (503, "30")
        assert response.content == b""
        (record,) = caplog.records
        assert record.levelno == logging.ERROR
        assert record.exc_info is not None
        assert SECRET not in caplog.text

    @pytest.mark.parametrize(
        ("name", "status"), [("RefusesInItsOwnWay", 401), ("RefusesInNoWayOfOurs", 400)]
    )
    def test_refusal_of_a_provider_s_own__answered_like_its_kind(
        self, client: Client, use_backend: Callable[[str], None], name: str, status: int
    ) -> None:
        use_backend(f"{__name__}.{name}")

        assert send(client).status_code == status
