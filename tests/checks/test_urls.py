"""An endpoint that has no address, or that Django itself redirects away from, is told."""

from __future__ import annotations

from typing import Any

import pytest

from tests.checks.told import told

TLS_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")


def test_urls__that_are_not_included_are_told(settings: Any) -> None:
    settings.ROOT_URLCONF = "django.contrib.auth.urls"
    (message,) = told().items()
    assert message[0] == "billing_webhooks.W013"
    assert "include('billing_webhooks.urls')" in message[1]


def test_urls__are_not_asked_for_where_there_are_none_at_all(settings: Any) -> None:
    del settings.ROOT_URLCONF
    assert told() == {}


def test_redirect_to_tls__behind_a_proxy_is_told(settings: Any) -> None:
    settings.SECURE_SSL_REDIRECT = True
    (message,) = told().items()
    assert message[0] == "billing_webhooks.W014"
    assert "SECURE_PROXY_SSL_HEADER = (" in message[1]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SECURE_PROXY_SSL_HEADER", TLS_HEADER),
        ("SECURE_REDIRECT_EXEMPT", [r"^admin/", r"^webhooks/"]),
        ("MIDDLEWARE", []),
    ],
)
def test_redirect_to_tls__that_does_no_harm_is_well(settings: Any, name: str, value: Any) -> None:
    settings.SECURE_SSL_REDIRECT = True
    setattr(settings, name, value)
    assert told() == {}


def test_redirect_to_www__is_told(settings: Any) -> None:
    settings.PREPEND_WWW = True
    assert list(told()) == ["billing_webhooks.W015"]


def test_redirect_to_www__without_its_middleware_is_well(settings: Any) -> None:
    settings.PREPEND_WWW, settings.MIDDLEWARE = True, []
    assert told() == {}
