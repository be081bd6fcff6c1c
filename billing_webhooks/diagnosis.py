"""What a look at everything shows that has to be right for an event to arrive."""

from __future__ import annotations

from collections.abc import Iterator

from django.core.checks import CheckMessage
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, connections
from django.db.migrations.executor import MigrationExecutor
from django.urls import NoReverseMatch

from billing_webhooks import reaching
from billing_webhooks.addresses import Base, public_base
from billing_webhooks.checks import complaints
from billing_webhooks.conf import settings
from billing_webhooks.database import write_alias
from billing_webhooks.findings import Finding, Level
from billing_webhooks.providers import get_provider
from billing_webhooks.providers.base import Provider
from billing_webhooks.vitals import health

APP = "billing_webhooks"
BACKGROUND_ADVICE = (
    "Look whether `process` runs from cron or as a service, or Celery's beat and workers do, and "
    "at what they log."
)


def diagnose(base: Base | None = None) -> Iterator[Finding]:
    """
    Yield findings about settings, database, worker, providers and endpoints.

    `base` is where the world finds the endpoints; with it they are asked over the network
    too.
    """
    yield from _settings()
    yield from _database()
    for provider in _providers():
        yield from _provider(provider, base)
        yield from reaching.diagnose(provider, base)


def _settings() -> Iterator[Finding]:
    """Yield what the system checks say, as strictly as under `check --deploy`."""
    messages = [message for message in complaints() if not message.is_silenced()]
    yield from map(_of_a_check, messages)
    if not messages:
        yield Finding(Level.OK, "The system checks of this app have nothing to say.")


def _of_a_check(message: CheckMessage) -> Finding:
    return Finding(Level.PROBLEM, f"{message.msg} ({message.id})", message.hint or "")


def _database() -> Iterator[Finding]:
    try:
        missing = _missing_migrations()
        if missing:
            yield Finding(
                Level.PROBLEM,
                f"{len(missing)} migrations of this app are not applied: {', '.join(missing)}.",
                "Run manage.py migrate.",
            )
            return
        yield Finding(Level.OK, "All migrations of this app are applied.")
        yield from _background()
    except (DatabaseError, ImproperlyConfigured) as error:
        # The class alone: the message may hold the database's address and user.
        yield Finding(
            Level.PROBLEM,
            f"The database {write_alias()!r} cannot be asked ({type(error).__name__}).",
            f"Look at DATABASES[{write_alias()!r}], and whether its server runs.",
        )


def _missing_migrations() -> list[str]:
    executor = MigrationExecutor(connections[write_alias()])
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes(APP))
    return [migration.name for migration, _ in plan if migration.app_label == APP]


def _background() -> Iterator[Finding]:
    try:
        found = health()
    except ImproperlyConfigured:
        # The system checks have told which setting is wrong.
        return
    # Of an alias that cannot be used the system checks have told.
    problems = [each for each in found.problems if each.about != "configuration"]
    for problem in problems:
        advice = "" if problem.alias else BACKGROUND_ADVICE
        yield Finding(Level.PROBLEM, problem.text, advice)
    if not problems:
        yield Finding(Level.OK, f"The sweep runs; {found.due} events are due at this moment.")


def _providers() -> Iterator[Provider]:
    """Yield those that can be built; of the others the system checks tell."""
    try:
        aliases = list(settings.PROVIDERS)
    except ImproperlyConfigured:
        return
    for alias in aliases:
        try:
            yield get_provider(alias)
        except ImproperlyConfigured:
            continue


def _provider(provider: Provider, base: Base | None) -> Iterator[Finding]:
    seen_from_outside = base or public_base()
    try:
        url = seen_from_outside.endpoint(provider.alias) if seen_from_outside else ""
    except NoReverseMatch:
        url = ""
    try:
        yield from provider.diagnose(url)
    except Exception as error:
        # A provider of somebody else's must not keep the rest from being looked at.
        yield Finding(
            Level.PROBLEM,
            f"{provider.alias!r}: its own diagnosis failed ({type(error).__name__}).",
            f"Correct the method diagnose() of {type(provider).__qualname__}.",
        )
