"""Tell whether a user or customer may use a plan, and why; the exit status is 1 for no."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from billing_webhooks.access import billing_of
from billing_webhooks.database import write_alias
from billing_webhooks.explaining import explain
from billing_webhooks.finding import customers_called, users_called
from billing_webhooks.management.options import moment
from billing_webhooks.management.rendering import printable, shown_customer
from billing_webhooks.models import Customer

# Neither yes nor no.
NOT_FOUND = 2


def add_arguments(parser: CommandParser) -> None:
    parser.add_argument(
        "who",
        metavar="WHO",
        help="A user's name, e-mail address or primary key; or a customer's id, e-mail "
        "address, organisation code, or '#' and the number in the admin.",
    )
    parser.add_argument(
        "plans", nargs="*", metavar="PLAN", help="A plan's code or id; without, any at all."
    )
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument("--user", action="store_true", help="WHO is a user.")
    kind.add_argument("--customer", action="store_true", help="WHO is a customer.")
    parser.add_argument("--provider", metavar="ALIAS", help="WHO is a customer of this alias.")
    parser.add_argument("--at", type=moment, metavar="TIME", help="At this time, instead of now.")
    parser.add_argument("--json", action="store_true", help="Tell it to a program.")


def run(command: BaseCommand, options: Mapping[str, Any]) -> None:
    if "" in options["plans"]:
        raise CommandError("A plan has a name.", returncode=NOT_FOUND)
    who = _the_one(options)
    explanation = explain(who, *options["plans"], at=options["at"])
    if options["json"]:
        command.stdout.write(json.dumps(explanation.as_dict(), indent=2))
    else:
        command.stdout.write("\n".join(printable(line) for line in str(explanation).splitlines()))
    if not explanation:
        sys.exit(1)


def _the_one(options: Mapping[str, Any]) -> Any:
    users, customers = _found(options)
    if len(users) == 1 and _belong_to(users[0], customers):
        return users[0]
    found = [*users, *customers]
    if not found:
        raise CommandError("There is no such user or customer.", returncode=NOT_FOUND)
    if len(found) > 1:
        names = ", ".join([*map(_shown_user, users), *map(shown_customer, customers)])
        raise CommandError(
            f"Which one? Say --user with a primary key, or --customer with a number such "
            f"as '#7': {names}.",
            returncode=NOT_FOUND,
        )
    return found[0]


def _found(options: Mapping[str, Any]) -> tuple[list[Any], list[Customer]]:
    who, provider = options["who"], options["provider"]
    is_customer = options["customer"] or provider is not None
    users = [] if is_customer else users_called(who)
    customers = [] if options["user"] else customers_called(write_alias(), who, provider)
    return users, customers


def _belong_to(user: Any, customers: list[Customer]) -> bool:
    """Return whether all of them are the user's, so that an answer about the user has them."""
    keys = {each.pk for each in customers}
    return billing_of(user).customers.filter(pk__in=keys).count() == len(keys)


def _shown_user(user: Any) -> str:
    return printable(f"user {user.pk} {user}")
