"""Let pending events be dead, with what their receivers have not done."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from billing_webhooks.management import selecting
from billing_webhooks.management.progress import Progress
from billing_webhooks.rescheduling import give_up


def add_arguments(parser: CommandParser) -> None:
    selecting.add_arguments(parser)


def run(command: BaseCommand, options: Mapping[str, Any]) -> None:
    events = selecting.events_of(options)
    with Progress(command.stderr) as progress:
        handled = give_up(events, tell=progress.show_part)
    selecting.tell(command, "Given up", handled)
