"""Forget one customer: rows, bodies and payloads; events stay known as repeated ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from billing_webhooks.database import write_alias
from billing_webhooks.erasing import AlreadyErased, erase
from billing_webhooks.finding import customers_called
from billing_webhooks.management.rendering import shown_customer
from billing_webhooks.models import Customer


def add_arguments(parser: CommandParser) -> None:
    parser.add_argument(
        "customer",
        metavar="CUSTOMER",
        help="The provider's id, the e-mail address, or '#' and the number in the admin.",
    )
    parser.add_argument("--provider", metavar="ALIAS", help="The customer of this alias.")
    parser.add_argument(
        "--no-input", action="store_false", dest="interactive", help="Do not ask for a yes."
    )


def run(command: BaseCommand, options: Mapping[str, Any]) -> None:
    customer = the_one(options["customer"], options["provider"])
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


def the_one(term: str, provider: str | None) -> Customer:
    """Return the one customer that goes by a name; raise CommandError for none and for several."""
    customers = customers_called(write_alias(), term, provider)
    if not customers:
        raise CommandError("There is no such customer.")
    if len(customers) > 1:
        names = ", ".join(shown_customer(each) for each in customers)
        raise CommandError(f"Which one? Name it by its number, such as '#7': {names}.")
    return customers[0]
