"""An ISSUER that cannot be a tenant's domain is told, with what to type instead."""

from __future__ import annotations

import pytest

from billing_webhooks.providers.kinde import KindeProvider

GOOD = [
    "https://acme.kinde.com",
    "https://acme.kinde.com/",
    "https://myapp.kinde.com",
    "https://app.acme.example",
    "https://auth.your-shoes.example",
    "https://ACME-2.eu.kinde.com:443",
    "http://127.0.0.1:8000",
    "http://[::1]:8000",
]
MORE_THAN_A_DOMAIN = [
    "https://acme.kinde.com/.well-known/jwks.json",
    "https://acme.kinde.com/oauth2",
    "https://acme.kinde.com//x/",
    "https://acme.kinde.com?x=1",
    "https://acme.kinde.com/#",
    "https://acme.kinde.com ",
    " https://acme.kinde.com",
    "https://acme.kinde.com\n",
    "https://acme.kinde.com,",
    "https://acme.kinde.com:port",
    "https://user:password@acme.kinde.com",
]
NOBODYS = [
    "https://app.kinde.com",
    "https://APP.kinde.com/",
    "https://app.kinde.com/auth",
    "https://kinde.com",
    "https://www.kinde.com",
    "https://<subdomain>.kinde.com",
    "https://{subdomain}.kinde.com",
    "https://subdomain.kinde.com",
    "https://your_subdomain.kinde.com",
    "https://your-subdomain.kinde.com",
    "https://yourdomain.kinde.com",
    "https://your_kinde_domain.kinde.com",
    "https://yourbusiness.kinde.com",
    "https://auth.your-company.example",
]


def ids(issuer: str) -> list[str | None]:
    return [message.id for message in KindeProvider("kinde", {"ISSUER": issuer}).check()]


@pytest.mark.parametrize("issuer", GOOD)
def test_domain__is_well(issuer: str) -> None:
    assert ids(issuer) == []


@pytest.mark.parametrize("issuer", MORE_THAN_A_DOMAIN, ids=repr)
def test_more_than_a_domain__is_told(issuer: str) -> None:
    provider = KindeProvider("kinde", {"ISSUER": issuer})
    (message,) = [each for each in provider.check() if each.id == "billing_webhooks.W102"]
    assert "'https://acme.kinde.com'" in str(message.hint)
    assert "password" not in str(message)


@pytest.mark.parametrize("issuer", NOBODYS)
def test_placeholder__is_told(issuer: str) -> None:
    assert ids(issuer) == ["billing_webhooks.W104"]
