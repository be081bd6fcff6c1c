"""Tell how the inbox stands; the exit status is 1 if somebody has to look at it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from billing_webhooks.health import health
from billing_webhooks.management.rendering import shown


def add_arguments(parser: CommandParser) -> None:
    """Health takes no arguments."""


def run(command: BaseCommand, options: Mapping[str, Any]) -> None:
    found = health()
    last_sweep = "never" if found.last_sweep is None else shown(found.last_sweep)
    command.stdout.write(
        f"{found.due} due, {found.pending} pending, {found.dead} dead, "
        f"{found.quarantined} in quarantine; last sweep: {last_sweep}."
    )
    if found.problems:
        raise CommandError("\n".join(found.problems))
