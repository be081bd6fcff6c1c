"""`manage.py billing_webhooks process`: what operators do at the command line."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from billing_webhooks import processing


class Command(BaseCommand):
    help = "Work with the billing events that have been received."

    def add_arguments(self, parser: CommandParser) -> None:
        operations = parser.add_subparsers(dest="operation", required=True)
        process = operations.add_parser("process", help="Work off the events that are due.")
        process.add_argument("--limit", type=int, help="Stop after this many events.")

    def handle(self, *args: Any, **options: Any) -> None:
        worked = processing.work_due(limit=options["limit"])
        self.stdout.write(f"Worked off {worked} events.")
