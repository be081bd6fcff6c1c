"""Show what happened to a customer, newest first: events, what they changed, receivers, links."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.serializers.json import DjangoJSONEncoder

from billing_webhooks.management import choosing
from billing_webhooks.management.options import count
from billing_webhooks.management.rendering import shown_customer
from billing_webhooks.models import Customer
from billing_webhooks.models.names import moment
from billing_webhooks.models.telling import Item
from billing_webhooks.models.timeline import Page

WIDTH = 100
# What belongs to the event above it.
INDENTS = {"change": 4, "run": 4}


def add_arguments(parser: CommandParser) -> None:
    choosing.add_arguments(parser)
    parser.add_argument(
        "--limit", type=count, default=20, metavar="N", help="How many events; 20 unless given."
    )
    parser.add_argument("--before", metavar="CURSOR", help="Go on where an earlier page has ended.")
    parser.add_argument("--json", action="store_true", help="For programs.")


def run(command: BaseCommand, options: Mapping[str, Any]) -> None:
    customer = choosing.customer_of(options)
    try:
        page = customer.timeline(options["before"], options["limit"])
    except ValueError as error:
        raise CommandError(str(error)) from error
    if options["json"]:
        command.stdout.write(json.dumps(page.as_dict(), cls=DjangoJSONEncoder, indent=2))
    else:
        command.stdout.write("\n".join(_lines(customer, page)))


def _lines(customer: Customer, page: Page) -> Iterator[str]:
    yield shown_customer(customer)
    if not page:
        yield "Nothing has happened."
    for item in page:
        yield from _item_lines(item)
    if page.next is not None:
        yield f"Older: --before {page.next}"


def _item_lines(item: Item) -> Iterator[str]:
    indent = " " * INDENTS.get(item.kind, 0)
    when = "" if indent else f"{moment(item.at)}  "
    yield from textwrap.wrap(
        f"{when}{item.text}",
        WIDTH,
        initial_indent=indent,
        subsequent_indent=f"{indent}      ",
        break_on_hyphens=False,
    )
