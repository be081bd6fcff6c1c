"""System checks: each tells what to type. None touches the network or a database."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.core import checks
from django.core.checks import CheckMessage, register
from django.core.exceptions import ImproperlyConfigured

from billing_webhooks.conf import Settings, settings
from billing_webhooks.providers import get_provider


@register()
def check_settings(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Check every setting's name and type."""
    messages: list[CheckMessage] = [
        checks.Warning(
            f"{name} is no setting of billing_webhooks.",
            hint="Look for a misspelling, or remove it.",
            id="billing_webhooks.W001",
        )
        for name in settings.unknown_names()
    ]
    for name in (name for name in vars(Settings) if name.isupper()):
        try:
            getattr(settings, name)
        except ImproperlyConfigured as error:
            messages.append(checks.Warning(str(error), id="billing_webhooks.W002"))
    return messages


@register()
def check_providers(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Check that every configured provider can be built, and let it check its options."""
    try:
        aliases = list(settings.PROVIDERS)
    except ImproperlyConfigured:
        return []
    if not aliases:
        return [
            checks.Warning(
                "No provider is configured, so no webhook is accepted.",
                hint="Set BILLING_WEBHOOKS_PROVIDERS.",
                id="billing_webhooks.W003",
            )
        ]
    messages: list[CheckMessage] = []
    for alias in aliases:
        try:
            messages += get_provider(alias).check()
        except ImproperlyConfigured as error:
            messages.append(checks.Warning(str(error), id="billing_webhooks.W004"))
    return messages
