"""Ask whose the customers without a user are, or list them."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from billing_webhooks.database import batches
from billing_webhooks.linking import Asked, ask_again, unlinked
from billing_webhooks.management.progress import Progress
from billing_webhooks.management.rendering import printable

CUSTOMERS_AT_A_TIME = 1000


def add_arguments(parser: CommandParser) -> None:
    parser.add_argument("--provider", metavar="ALIAS", help="Customers of this alias.")
    parser.add_argument("--list", action="store_true", help="List them, and ask nobody.")


def run(command: BaseCommand, options: Mapping[str, Any]) -> None:
    if options["list"]:
        _list(command, options["provider"])
        return
    with Progress(command.stderr) as progress:
        asked = ask_again(options["provider"], tell=progress.show_part)
    command.stdout.write(_told(asked))
    if asked.failed:
        raise CommandError(f"It failed for {asked.failed} of them; the log says why.")


def _list(command: BaseCommand, provider: str | None) -> None:
    count = 0
    customers = unlinked(provider).defer("registers")
    for customer in chain.from_iterable(batches(customers, CUSTOMERS_AT_A_TIME)):
        command.stdout.write(printable(f"#{customer.pk} {customer} ({customer.provider})"))
        count += 1
    command.stdout.write(f"{count} customers have no user.")


def _told(asked: Asked) -> str:
    return (
        f"Asked for {asked.customers} customers without a user: "
        f"{asked.linked} have one now ({asked.links} links)."
    )
