"""Drop what old processed events said, and keep by what they are known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from billing_webhooks.management.options import count, days
from billing_webhooks.management.progress import Progress
from billing_webhooks.pruning import prune


def add_arguments(parser: CommandParser) -> None:
    parser.add_argument(
        "--older-than", type=days, metavar="DAYS", help="Instead of BILLING_WEBHOOKS_RETENTION."
    )
    parser.add_argument("--limit", type=count, metavar="N", help="End after this many events.")


def run(command: BaseCommand, options: Mapping[str, Any]) -> None:
    with Progress(command.stderr) as progress:
        pruned = prune(
            older_than=options["older_than"],
            limit=options["limit"],
            tell=lambda number: progress.show(f"Pruned {number} events."),
        )
    command.stdout.write(f"Pruned {pruned} events.")
