"""Drop what old processed events said, and keep by what they are known."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from billing_webhooks.pruning import prune


def add_arguments(parser: CommandParser) -> None:
    parser.add_argument(
        "--older-than",
        type=int,
        metavar="DAYS",
        help="Instead of BILLING_WEBHOOKS_RETENTION.",
    )


def run(command: BaseCommand, options: Mapping[str, Any]) -> None:
    days = options["older_than"]
    pruned = prune(older_than=None if days is None else timedelta(days=days))
    command.stdout.write(f"Pruned {pruned} events.")
