"""Wrong settings are told by name, before the first delivery."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from billing_webhooks.conf import settings as app_settings
from billing_webhooks.providers import get_provider
from tests.checks.told import told

KINDE = "billing_webhooks.providers.kinde.KindeProvider"
BILLABEAR = "billing_webhooks.providers.billabear.BillaBearProvider"


def test_checks__are_silent_about_good_settings() -> None:
    assert told() == {}


def test_settings__an_unknown_name_is_told(settings: Any) -> None:
    settings.BILLING_WEBHOOKS_MAX_ATEMPTS = 3
    assert "BILLING_WEBHOOKS_MAX_ATEMPTS" in told()["billing_webhooks.W001"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MAX_ATTEMPTS", "12"),
        ("MAX_ATTEMPTS", True),
        ("BACKOFF_BASE", 2),
        ("DISPATCH", "carrier pigeon"),
        ("PROVIDERS", ["kinde"]),
    ],
    ids=str,
)
def test_settings__a_wrong_value_is_told(settings: Any, name: str, value: Any) -> None:
    setattr(settings, f"BILLING_WEBHOOKS_{name}", value)
    assert f"BILLING_WEBHOOKS_{name}" in told()["billing_webhooks.W002"]
    with pytest.raises(ImproperlyConfigured):
        getattr(app_settings, name)


@pytest.mark.parametrize("keys", [["short"], "one key", [5]])
def test_encryption_key__that_is_none_is_told_without_it(settings: Any, keys: Any) -> None:
    settings.BILLING_WEBHOOKS_ENCRYPTION_KEYS = keys
    message = told()["billing_webhooks.W016"]
    assert "Fernet" in message
    assert "short" not in message


@pytest.mark.parametrize("path", ["nowhere.redact", "redact", "tests.settings.TIME_ZONE"])
def test_redaction__that_cannot_be_had_is_told(settings: Any, path: str) -> None:
    settings.BILLING_WEBHOOKS_REDACT = path
    assert path in told()["billing_webhooks.W017"]


@pytest.mark.parametrize("path", ["nowhere.users_of", "users_of", "tests.settings.TIME_ZONE"])
def test_resolver__that_cannot_be_had_is_told(settings: Any, path: str) -> None:
    settings.BILLING_WEBHOOKS_USER_RESOLVER = path
    assert path in told()["billing_webhooks.W018"]


def test_settings__are_read_at_the_moment_of_use(settings: Any) -> None:
    assert timedelta(hours=1) == app_settings.BACKOFF_CAP
    settings.BILLING_WEBHOOKS_BACKOFF_CAP = timedelta(minutes=1)
    assert timedelta(minutes=1) == app_settings.BACKOFF_CAP


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({}, "BACKEND"),
        ({"BACKEND": "no.such.Provider"}, "no.such.Provider"),
        ({"BACKEND": "django.db.models.Model"}, "not a subclass"),
        ({"BACKEND": KINDE}, "ISSUER"),
        ({"BACKEND": KINDE, "OPTIONS": {"ISSUER": "acme"}}, "https://acme.kinde.com"),
        ({"BACKEND": KINDE, "OPTIONS": {"ISSUER": "https://a.b", "ISUER": 1}}, "ISUER"),
        ({"BACKEND": BILLABEAR, "OPTIONS": {"SECRETS": "one-text-is-no-list"}}, "list"),
        ({"BACKEND": BILLABEAR, "OPTIONS": {"SECRET": []}}, "SECRET"),
        ({"BACKEND": BILLABEAR, "OPTION": {}}, "OPTION"),
        ({"BACKEND": BILLABEAR, "OPTIONS": None}, "must be a dictionary"),
    ],
    ids=lambda value: str(value)[:60],
)
def test_providers__that_cannot_be_built_are_told(
    settings: Any, config: dict[str, Any], expected: str
) -> None:
    settings.BILLING_WEBHOOKS_PROVIDERS = {"shop": config}
    message = told()["billing_webhooks.W004"]
    assert "'shop'" in message
    assert expected in message


def test_providers__none_at_all_is_told(settings: Any) -> None:
    settings.BILLING_WEBHOOKS_PROVIDERS = {}
    assert "BILLING_WEBHOOKS_PROVIDERS" in told()["billing_webhooks.W003"]


@pytest.mark.parametrize(
    ("backend", "options", "expected"),
    [
        (KINDE, {"ISSUER": "http://acme.kinde.com"}, "billing_webhooks.W101"),
        (BILLABEAR, {"SECRETS": []}, "billing_webhooks.W201"),
        (BILLABEAR, {"SECRETS": [""]}, "billing_webhooks.W201"),
        (BILLABEAR, {"SECRETS": ["short"]}, "billing_webhooks.W202"),
    ],
    ids=["issuer without TLS", "no secret", "empty secret", "short secret"],
)
def test_providers__check_their_options(
    settings: Any, backend: str, options: dict[str, Any], expected: str
) -> None:
    settings.BILLING_WEBHOOKS_PROVIDERS = {"shop": {"BACKEND": backend, "OPTIONS": options}}
    assert list(told()) == [expected]
    assert "short" not in str(told())


def test_get_provider__is_built_once_and_again_when_its_configuration_changes(
    settings: Any,
) -> None:
    first = get_provider("kinde")
    assert get_provider("kinde") is first
    settings.BILLING_WEBHOOKS_PROVIDERS = {
        "kinde": {"BACKEND": KINDE, "OPTIONS": {"ISSUER": "https://other.kinde.com"}}
    }
    assert get_provider("kinde") is not first
