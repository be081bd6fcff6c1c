"""`manage.py billing_webhooks`: what operators do at the command line."""

from __future__ import annotations

from argparse import SUPPRESS
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError, CommandParser

from billing_webhooks.management.operations import (
    doctor,
    erase,
    explain,
    export,
    give_up,
    health,
    keys,
    link,
    new_secret,
    process,
    prune,
    reencrypt,
    release,
    replay,
    retry,
    timeline,
)

OPERATIONS = {
    "process": process,
    "replay": replay,
    "retry": retry,
    "give_up": give_up,
    "release": release,
    "prune": prune,
    "health": health,
    "keys": keys,
    "timeline": timeline,
    "link": link,
    "erase": erase,
    "explain": explain,
    "export": export,
    "reencrypt": reencrypt,
    "doctor": doctor,
    "new_secret": new_secret,
}
# What runs the system checks itself, mends what they tell of, or has its own to tell to probes.
UNCHECKED = frozenset({"doctor", "health", "new_secret"})
# Django's own options, which people write at the end of a line: behind the operation.
TEXTS = ("--settings", "--pythonpath")
FLAGS = ("--traceback", "--no-color", "--force-color")


class Command(BaseCommand):
    help = "Work with the billing events that have been received."

    def add_arguments(self, parser: CommandParser) -> None:
        operations = parser.add_subparsers(dest="operation", required=True)
        for name, operation in OPERATIONS.items():
            summary = (operation.__doc__ or "").strip().splitlines()[0]
            subparser = operations.add_parser(name, help=summary, description=summary)
            operation.add_arguments(subparser)
            for option in TEXTS:
                subparser.add_argument(option, default=SUPPRESS, help=SUPPRESS)
            for option in FLAGS:
                subparser.add_argument(option, action="store_true", default=SUPPRESS, help=SUPPRESS)

    def execute(self, *args: Any, **options: Any) -> str | None:
        unchecked = options["operation"] in UNCHECKED
        options["skip_checks"] = options.get("skip_checks", False) or unchecked
        return super().execute(*args, **options)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            OPERATIONS[options["operation"]].run(self, options)
        except ImproperlyConfigured as error:
            raise CommandError(str(error)) from error
