"""Forget one customer: rows, bodies and payloads; events stay known as repeated ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from billing_webhooks.erasing import AlreadyErased, erase
from billing_webhooks.management import choosing
from billing_webhooks.management.rendering import shown_customer


def add_arguments(parser: CommandParser) -> None:
    choosing.add_arguments(parser)
    parser.add_argument(
        "--no-input", action="store_false", dest="interactive", help="Do not ask for a yes."
    )


def run(command: BaseCommand, options: Mapping[str, Any]) -> None:
    customer = choosing.customer_of(options)
    if options["interactive"]:
        answer = input(f"Erase {shown_customer(customer)} for good? Type 'yes' to go on: ")
        if answer != "yes":
            raise CommandError("Nothing was erased.")
    try:
        erased = erase(customer)
    except AlreadyErased as error:
        raise CommandError(str(error)) from error
    rows = ", ".join(f"{count} {name}" for name, count in sorted(erased.rows.items()))
    command.stdout.write(f"Deleted {rows}; emptied events: {erased.events}.")
