"""System checks: each tells what to type. None touches the network or a database."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.apps import AppConfig
from django.core import checks
from django.core.checks import CheckMessage, register
from django.core.exceptions import ImproperlyConfigured
from django.db import connections

from billing_webhooks.conf import Settings, settings
from billing_webhooks.database import write_alias
from billing_webhooks.providers import get_provider

# A transaction that begins with a read cannot wait when it comes to write: SQLite lets it
# fail, whatever the timeout.
# Source: sqlite.org/lang_transaction.html, "Read transactions versus write transactions".
WAITING_TRANSACTION_MODES = frozenset({"IMMEDIATE", "EXCLUSIVE"})


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


@register()
def check_dispatch(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Check that what a wake-up by Celery needs is installed and configured."""
    try:
        if settings.DISPATCH != "celery":
            return []
    except ImproperlyConfigured:
        return []
    try:
        from billing_webhooks import publishing
    except ImportError as error:
        return [
            _nobody_is_woken(
                f"{error.name} cannot be imported",
                hint="pip install 'django-billing-webhooks[celery]'",
                id="billing_webhooks.W006",
            )
        ]
    try:
        # In a thread that Celery has not seen, because that is where most web servers ask.
        with ThreadPoolExecutor(max_workers=1) as thread:
            task = thread.submit(publishing.work_task).result()
        publishing.producers(task.app)
    except publishing.NoCeleryApp:
        return [
            _nobody_is_woken(
                "this project has no Celery app, or not in every thread",
                hint="Make one in your project's celery.py and import it in its __init__.py, "
                "before anything else uses Celery.",
                id="billing_webhooks.W007",
            )
        ]
    except Exception as error:
        # The class alone: the message may hold the broker's password.
        return [
            _nobody_is_woken(
                f"the Celery app cannot use its broker ({type(error).__name__})",
                hint="Look at the app's broker_url, and install what its transport needs.",
                id="billing_webhooks.W008",
            )
        ]
    return []


def _nobody_is_woken(reason: str, *, hint: str, id: str) -> CheckMessage:  # noqa: A002
    return checks.Warning(
        f"BILLING_WEBHOOKS_DISPATCH is 'celery', but {reason}, so no worker is woken.",
        hint=hint,
        id=id,
    )


@register()
def check_database(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Check that SQLite, where it is used, lets one writer wait for another."""
    connection = connections[write_alias()]
    if connection.vendor != "sqlite":
        return []
    mode = connection.settings_dict["OPTIONS"].get("transaction_mode") or "DEFERRED"
    if mode.upper() in WAITING_TRANSACTION_MODES:
        return []
    return [
        checks.Warning(
            f"Transactions of the SQLite database {connection.alias!r} are {mode.upper()}, so of "
            f"two workers one fails at once instead of waiting, and its event stays pending.",
            hint=f"Set DATABASES[{connection.alias!r}]['OPTIONS'] = "
            "{'transaction_mode': 'IMMEDIATE', 'timeout': 20}.",
            id="billing_webhooks.W005",
        )
    ]
