"""Whether the options of an alias are any good. No message says a secret."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from django.core import checks
from django.core.checks import CheckMessage

from billing_webhooks.providers.billabear.client import Client
from billing_webhooks.providers.billabear.secrets import is_accepted, is_no_random_text
from billing_webhooks.providers.fetching import is_safe_url

MIN_SECRET_LENGTH = 20


def check(alias: str, secrets: Sequence[str]) -> Iterator[CheckMessage]:
    """Yield what is wrong with the secrets of an alias, each mistake once."""
    make_one = f"manage.py billing_webhooks new_secret {alias}"
    if not secrets:
        yield checks.Warning(
            f"{alias!r} has no secret, so it accepts nothing.",
            hint=f"{make_one} makes one, and says where to put it.",
            id="billing_webhooks.W201",
        )
        return
    shortest = min(map(len, secrets))
    if shortest < MIN_SECRET_LENGTH:
        yield checks.Warning(
            f"{alias!r} has a secret of {shortest} characters, which can be guessed.",
            hint=f"Use {MIN_SECRET_LENGTH} or more: {make_one}",
            id="billing_webhooks.W202",
        )
    if not all(map(is_accepted, secrets)):
        yield checks.Warning(
            f"{alias!r} has a secret with characters that BillaBear's form does not accept, such "
            f"as a space or a line's end.",
            hint="Use letters, digits, '_', '.' and '-' alone, and strip() what comes from a file. "
            f"{make_one} makes one.",
            id="billing_webhooks.W203",
        )
    if any(map(is_no_random_text, secrets)):
        yield checks.Warning(
            f"{alias!r} has a secret that looks like a placeholder, so it can be guessed.",
            hint=f"Use a random one: {make_one}",
            id="billing_webhooks.W204",
        )


def check_api(alias: str, client: Client | None) -> Iterator[CheckMessage]:
    """Yield what is wrong with where BillaBear's API is said to be."""
    if client is not None and not is_safe_url(client.base):
        yield checks.Warning(
            f"{alias!r} would send its API key without TLS, so nothing is asked and no event is "
            f"confirmed.",
            hint="Give API_URL an https:// address.",
            id="billing_webhooks.W205",
        )
