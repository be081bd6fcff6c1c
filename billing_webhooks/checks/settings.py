"""Whether every setting has a known name and the right type."""

from __future__ import annotations

from django.core import checks
from django.core.checks import CheckMessage
from django.core.exceptions import ImproperlyConfigured

from billing_webhooks.conf import Settings, settings


def check_settings() -> list[CheckMessage]:
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
