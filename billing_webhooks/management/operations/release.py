"""Work what is in quarantine and can be read as an event by now."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from billing_webhooks.management import selecting
from billing_webhooks.management.progress import Progress
from billing_webhooks.replaying import release


def add_arguments(parser: CommandParser) -> None:
    selecting.add_arguments(parser)


def run(command: BaseCommand, options: Mapping[str, Any]) -> None:
    events = selecting.events_of(options)
    with Progress(command.stderr) as progress:
        handled = release(events, tell=progress.show_part)
    selecting.tell(command, "Released", handled)
