"""Configuration: what is wrong is told before the first delivery."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from billing_webhooks.exceptions import NotAnEvent, NotUnderstood
from billing_webhooks.providers import get_provider
from billing_webhooks.providers.base import Delivery
from billing_webhooks.providers.kinde import KindeProvider
from billing_webhooks.testing import KindeIssuer, kinde_event
from tests.conftest import at
from tests.kinde.deliveries import CHANGED_PLAN

EVENT = kinde_event("customer.plan_changed", CHANGED_PLAN)
ISSUER = "https://acme.kinde.com"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, r"\['ISSUER'\] must be your Kinde domain"),
        ({"ISSUER": None}, r"\['ISSUER'\] must be"),
        ({"ISSUER": "acme.kinde.com"}, r"\['ISSUER'\] must be"),
        ({"ISSUER": "https://"}, r"\['ISSUER'\] must be"),
        ({"ISSUER": "https://[acme"}, r"\['ISSUER'\] must be"),
        ({"ISSUER": [ISSUER]}, r"\['ISSUER'\] must be"),
        ({"ISSUER": ISSUER, "JWKS_URL": 7}, r"\['JWKS_URL'\] must be a URL"),
        ({"ISSUER": ISSUER, "JWKS_URL": "/.well-known/jwks"}, r"\['JWKS_URL'\] must be"),
        ({"ISSUER": ISSUER, "SECRET": "x"}, "unknown entries: SECRET"),
    ],
)
def test_options__wrong_ones_told_by_name(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=message):
        KindeProvider("kinde", options)


@pytest.mark.parametrize("options", [{}, {"JWKS_URL": ""}, {"JWKS_URL": None}], ids=repr)
@pytest.mark.parametrize("issuer", [ISSUER, ISSUER + "/"])
def test_key_set__usual_place(issuer: str, options: dict[str, Any]) -> None:
    provider = KindeProvider("kinde", {"ISSUER": issuer, **options})

    assert provider.keys.url == "https://acme.kinde.com/.well-known/jwks.json"


@pytest.mark.parametrize(
    ("options", "ids"),
    [
        ({"ISSUER": ISSUER}, []),
        ({"ISSUER": "http://127.0.0.1:8000"}, []),
        ({"ISSUER": "http://acme.kinde.com"}, ["billing_webhooks.W101"]),
        ({"ISSUER": "ftp://acme.kinde.com"}, ["billing_webhooks.W101"]),
        ({"ISSUER": ISSUER, "JWKS_URL": "http://cdn.example/"}, ["billing_webhooks.W101"]),
    ],
)
def test_check__key_set_without_tls(options: dict[str, Any], ids: list[str]) -> None:
    assert [message.id for message in KindeProvider("kinde", options).check()] == ids


def test_repr__names_the_alias_alone() -> None:
    assert repr(KindeProvider("kinde", {"ISSUER": ISSUER})) == "<KindeProvider 'kinde'>"


def test_verify__truncated_delivery_refused(issuer: KindeIssuer) -> None:
    delivery = Delivery(body=issuer.sign(EVENT), received_at=at("10:30"), truncated=True)

    with pytest.raises(NotAnEvent, match="truncated"):
        get_provider("kinde").verify(delivery)
    assert issuer.requests == 0


def test_decode__payload_without_asking_anybody(issuer: KindeIssuer) -> None:
    assert get_provider("kinde").decode(issuer.sign(EVENT)) == EVENT
    assert issuer.requests == 0


@pytest.mark.parametrize("body", [b"", b"{}", b"e30.e30.e30", b"eyJ9.e30.e30"])
def test_decode__what_is_no_token_not_understood(body: bytes) -> None:
    with pytest.raises(NotUnderstood):
        KindeProvider("kinde", {"ISSUER": ISSUER}).decode(body)
