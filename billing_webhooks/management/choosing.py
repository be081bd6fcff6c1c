"""The one customer that an operation is about."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.management.base import CommandError, CommandParser

from billing_webhooks.database import write_alias
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


def customer_of(options: Mapping[str, Any]) -> Customer:
    """Return the one customer that is named so; raise CommandError for none and for several."""
    customers = customers_called(write_alias(), options["customer"], options["provider"])
    if not customers:
        raise CommandError("There is no such customer.")
    if len(customers) > 1:
        names = ", ".join(shown_customer(each) for each in customers)
        raise CommandError(f"Which one? Name it by its number, such as '#7': {names}.")
    return customers[0]
