"""Show the public keys that prove deliveries, or forget some of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from billing_webhooks.conf import settings
from billing_webhooks.exceptions import CannotVerifyNow
from billing_webhooks.management.rendering import printable, shown
from billing_webhooks.providers import get_provider
from billing_webhooks.providers.base import Provider, SigningKey


def add_arguments(parser: CommandParser) -> None:
    parser.add_argument("--provider", metavar="ALIAS", help="Of this alias, instead of all.")
    instead = parser.add_mutually_exclusive_group()
    instead.add_argument("--refresh", action="store_true", help="Fetch them now.")
    instead.add_argument(
        "--forget",
        nargs="*",
        metavar="ID",
        help="Trust these keys no more; without ids, all that are published no more.",
    )


def run(command: BaseCommand, options: Mapping[str, Any]) -> None:
    providers = [*_with_keys(options["provider"])]
    if not providers:
        raise CommandError("No such provider has keys.")
    for provider in providers:
        try:
            if options["forget"] is not None:
                provider.forget_keys(options["forget"])
            keys = provider.signing_keys(refresh=options["refresh"])
        except CannotVerifyNow as error:
            raise CommandError(
                f"The keys of {provider.alias} cannot be fetched now ({error.reason}), so nothing "
                f"was changed. `doctor` says why; `--forget ID` needs no fetch."
            ) from error
        command.stdout.write("\n".join([f"{provider.alias}:", *_lines(keys or [])]))


def _with_keys(alias: str | None) -> Iterator[Provider]:
    for name in settings.PROVIDERS:
        provider = get_provider(name)
        if alias in {None, name} and provider.signing_keys() is not None:
            yield provider


def _lines(keys: Sequence[SigningKey]) -> Iterator[str]:
    if not keys:
        yield "  none yet: they are fetched for the first delivery, or with --refresh"
    for key in keys:
        yield f"  {printable(key.id)}  {key.bits} bits  {_standing(key)}"


def _standing(key: SigningKey) -> str:
    if key.vanished_at is None:
        return "published"
    return f"gone since {shown(key.vanished_at)}, honoured until {shown(key.honoured_until)}"
