"""`manage.py billing_webhooks`: what operators do at the command line."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from billing_webhooks.management.operations import health, process, prune, replay

OPERATIONS = {
    "process": process,
    "replay": replay,
    "prune": prune,
    "health": health,
}


class Command(BaseCommand):
    help = "Work with the billing events that have been received."

    def add_arguments(self, parser: CommandParser) -> None:
        operations = parser.add_subparsers(dest="operation", required=True)
        for name, operation in OPERATIONS.items():
            summary = (operation.__doc__ or "").strip().splitlines()[0]
            operation.add_arguments(operations.add_parser(name, help=summary))

    def handle(self, *args: Any, **options: Any) -> None:
        OPERATIONS[options["operation"]].run(self, options)
