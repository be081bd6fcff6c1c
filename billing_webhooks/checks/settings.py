"""Whether every setting has a known name and the right type."""

from __future__ import annotations

from collections.abc import Iterator

from django.core import checks
from django.core.checks import CheckMessage
from django.core.exceptions import ImproperlyConfigured

from billing_webhooks.conf import Settings, settings
from billing_webhooks.encryption import encryption_keys
from billing_webhooks.redaction import redact


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
    return [*messages, *_of_privacy(), *_of_linking()]


def _of_privacy() -> Iterator[CheckMessage]:
    """Tell early what would otherwise keep events out, or payloads from being shown."""
    try:
        encryption_keys()
    except ImproperlyConfigured as error:
        yield checks.Warning(
            f"{error} No event can be stored.",
            hint="Make one: python -c 'from cryptography.fernet import Fernet; "
            "print(Fernet.generate_key().decode())'",
            id="billing_webhooks.W016",
        )
    try:
        redact()
    except ImproperlyConfigured as error:
        yield checks.Warning(
            f"{error} No payload is shown.",
            hint="Name a function by its dotted path: 'shop.privacy.redact'.",
            id="billing_webhooks.W017",
        )


def _of_linking() -> Iterator[CheckMessage]:
    try:
        settings.function("USER_RESOLVER")
    except ImproperlyConfigured as error:
        yield checks.Warning(
            f"{error} No customer is linked to a user, and events wait until it can be asked.",
            hint="Name a function by its dotted path: 'shop.billing.users_of'.",
            id="billing_webhooks.W018",
        )
