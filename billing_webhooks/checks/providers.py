"""Whether every configured provider can be built, and what each says of its options."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from django.core import checks
from django.core.checks import CheckMessage
from django.core.exceptions import ImproperlyConfigured

from billing_webhooks.conf import settings
from billing_webhooks.providers import get_provider
from billing_webhooks.providers.base import Provider


def check_providers() -> list[CheckMessage]:
    """Check that every configured provider can be built, and let it check its options."""
    try:
        aliases = list(settings.PROVIDERS)
    except ImproperlyConfigured:
        return []
    if not aliases:
        return [
            checks.Warning(
                "No provider is configured, so no webhook is accepted.",
                hint="Set BILLING_WEBHOOKS_PROVIDERS.",
                id="billing_webhooks.W003",
            )
        ]
    messages: list[CheckMessage] = []
    providers: list[Provider] = []
    for alias in aliases:
        try:
            providers.append(get_provider(alias))
        except ImproperlyConfigured as error:
            messages.append(checks.Warning(str(error), id="billing_webhooks.W004"))
        else:
            messages += providers[-1].check()
    return [*messages, *_shared_secrets(providers)]


def _shared_secrets(providers: Iterable[Provider]) -> Iterator[CheckMessage]:
    owners: defaultdict[bytes, list[str]] = defaultdict(list)
    for provider in providers:
        for digest in provider.secret_digests:
            owners[digest].append(provider.alias)
    # Several secrets that the same aliases share are one mistake.
    for shared in sorted({tuple(aliases) for aliases in owners.values() if len(aliases) > 1}):
        names = " and ".join(map(repr, shared))
        yield checks.Warning(
            f"{names} have a secret in common, so who may post to one may post to the other.",
            hint="Give each a secret of its own: manage.py billing_webhooks new_secret "
            f"{shared[-1]}",
            id="billing_webhooks.W009",
        )
