"""Make a secret for an endpoint, and the URL to give to its provider."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.urls import NoReverseMatch

from billing_webhooks.addresses import Base, path_of, public_base
from billing_webhooks.conf import settings
from billing_webhooks.management.options import base
from billing_webhooks.providers import get_provider
from billing_webhooks.providers.base import NewSecret


def add_arguments(parser: CommandParser) -> None:
    parser.add_argument(
        "alias", nargs="?", metavar="ALIAS", help="Not needed if only one provider has a secret."
    )
    parser.add_argument(
        "--url",
        type=base,
        metavar="URL",
        help="Where the world finds the endpoints, such as https://shop.example.com/webhooks/.",
    )


def run(command: BaseCommand, options: Mapping[str, Any]) -> None:
    seen_as = options["url"] or _public_base()
    alias, new = _choose(options["alias"], seen_as)
    command.stdout.write(
        f"The new secret of {alias!r}:\n\n  {new.secret}\n\n"
        f"1. Put it into {new.setting}, by the environment rather than in the code, beside any "
        f"that is in use, and restart the server.\n"
        f"2. Then give the provider this URL, which holds it:\n\n  {new.url}\n"
    )
    for warning in (new.warning, _other_path(alias, seen_as), _without_tls(seen_as)):
        if warning:
            command.stderr.write(command.style.WARNING(f"Warning: {warning}"))


def _public_base() -> Base:
    found = public_base()
    if found is None:
        raise CommandError(
            "ALLOWED_HOSTS names no host that others can reach; say where they find the "
            "endpoints: --url https://shop.example.com/webhooks/"
        )
    return found


def _choose(alias: str | None, seen_as: Base) -> tuple[str, NewSecret]:
    """Return the alias that is meant and its new secret."""
    configured = list(settings.PROVIDERS)
    if alias is not None and alias not in configured:
        known = ", ".join(sorted(configured)) or "none"
        raise CommandError(f"No provider is configured under {alias!r}. Configured are: {known}.")
    made = {each: _make(each, seen_as) for each in configured if alias in {None, each}}
    usable = [(each, new) for each, new in made.items() if new is not None]
    if not usable:
        raise CommandError(
            f"{alias!r} needs no secret." if alias else "No configured provider needs a secret."
        )
    if len(usable) > 1:
        named = ", ".join(sorted(each for each, _ in usable))
        raise CommandError(f"Several providers have a secret; say which one is meant: {named}.")
    return usable[0]


def _make(alias: str, seen_as: Base) -> NewSecret | None:
    try:
        # The path is the project's own: whatever --url says, here somebody answers.
        url = replace(seen_as, prefix="").endpoint(alias)
    except NoReverseMatch as error:
        raise CommandError(
            "The URLs of this app are not included: add path('webhooks/', "
            "include('billing_webhooks.urls')) to the urlpatterns of ROOT_URLCONF."
        ) from error
    return get_provider(alias).new_secret(url)


def _other_path(alias: str, seen_as: Base) -> str:
    here, there = path_of(alias), seen_as.path(alias)
    if here == there:
        return ""
    return (
        f"The project answers at {here}, and not at {there}: if your proxy changes the path, "
        f"change it in the URL, too."
    )


def _without_tls(seen_as: Base) -> str:
    if seen_as.scheme == "https":
        return ""
    return "Without TLS everybody on the way can read the secret: use an https:// address."
