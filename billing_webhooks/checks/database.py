"""Whether the database is configured so that no delivery is lost to a connection."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.apps import apps
from django.core import checks
from django.core.checks import CheckMessage
from django.db import connections, router

from billing_webhooks.database import write_alias

# A transaction that begins with a read cannot wait when it comes to write: SQLite lets it
# fail, whatever the timeout.
# Source: sqlite.org/lang_transaction.html, "Read transactions versus write transactions".
WAITING_TRANSACTION_MODES = frozenset({"IMMEDIATE", "EXCLUSIVE"})

# Both wait for more than 25 seconds for a server that accepts a connection and says nothing.
SERVERS = frozenset({"postgresql", "mysql"})


def check_database() -> list[CheckMessage]:
    """Check how the app's rows are reached, and that they are in one database."""
    connection = connections[write_alias()]
    alias, config = connection.alias, connection.settings_dict
    if connection.vendor == "sqlite":
        return [*_check_waiting(alias, config), *_check_one_database()]
    messages = [*_check_kept_connections(alias, config), *_check_one_database()]
    if connection.vendor in SERVERS:
        messages += _check_connect_timeout(alias, config)
    return messages


def _check_waiting(alias: str, config: Mapping[str, Any]) -> Iterator[CheckMessage]:
    mode = config["OPTIONS"].get("transaction_mode") or "DEFERRED"
    if mode.upper() not in WAITING_TRANSACTION_MODES:
        yield checks.Warning(
            f"Transactions of the SQLite database {alias!r} are {mode.upper()}, so of two workers "
            f"one fails at once instead of waiting, and its event stays pending.",
            hint=f"Set DATABASES[{alias!r}]['OPTIONS'] = "
            "{'transaction_mode': 'IMMEDIATE', 'timeout': 20}.",
            id="billing_webhooks.W005",
        )


def _check_kept_connections(alias: str, config: Mapping[str, Any]) -> Iterator[CheckMessage]:
    # None keeps a connection for ever, 0 for one request.
    is_kept = config.get("CONN_MAX_AGE", 0) != 0 or bool(config["OPTIONS"].get("pool"))
    if is_kept and not config.get("CONN_HEALTH_CHECKS"):
        yield checks.Warning(
            f"Connections to the database {alias!r} are kept and not looked at before they are "
            f"used, so after a restart of the database requests fail, and their deliveries are "
            f"refused.",
            hint=f"Set DATABASES[{alias!r}]['CONN_HEALTH_CHECKS'] = True.",
            id="billing_webhooks.W010",
        )


def _check_connect_timeout(alias: str, config: Mapping[str, Any]) -> Iterator[CheckMessage]:
    # 0 waits for ever, too.
    if not config["OPTIONS"].get("connect_timeout"):
        yield checks.Warning(
            f"A connection to the database {alias!r} is waited for without end, so while the "
            f"database hangs every delivery holds a process of your web server.",
            hint=f"Set DATABASES[{alias!r}]['OPTIONS']['connect_timeout'] = 5 (seconds).",
            id="billing_webhooks.W011",
        )


def _check_one_database() -> Iterator[CheckMessage]:
    home = write_alias()
    elsewhere = {
        model.__name__: router.db_for_write(model)
        for model in apps.get_app_config("billing_webhooks").get_models()
        if router.db_for_write(model) != home
    }
    if elsewhere:
        named = ", ".join(f"{name} to {alias!r}" for name, alias in sorted(elsewhere.items()))
        yield checks.Warning(
            f"The models of billing_webhooks are written to several databases: WebhookEvent to "
            f"{home!r}, but {named}. One commit cannot cover both, so an effect can be lost, or "
            f"happen twice.",
            hint="Let DATABASE_ROUTERS give one database to the whole app 'billing_webhooks'.",
            id="billing_webhooks.W012",
        )
