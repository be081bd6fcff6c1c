"""Whether an ISSUER can be what Kinde calls your domain."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from django.core import checks
from django.core.checks import CheckMessage

# Scheme, host and port; anything further is of some other URL of the tenant's.
DOMAIN = re.compile(r"[a-z]+://([\w.-]+|\[[0-9a-f:.]+\])(:\d+)?/?", re.IGNORECASE | re.ASCII)

# Kinde's own sites, and what documentation writes where your subdomain belongs.
NOBODYS = re.compile(
    r"((app|www|docs|api)\.)?kinde\.com|.*[<>{}$%*].*|(sub[-_]?domain|placeholder)\..*|"
    r"(.*[^a-z])?your[-_]?((kinde|sub|custom)[-_]?)*"
    r"(domain|business|company|tenant|account|app|org|organi[sz]ation)\b.*",
    re.IGNORECASE,
)


def check(alias: str, issuer: str) -> Iterator[CheckMessage]:
    """Yield what is wrong with an ISSUER that is a URL."""
    parts = urlsplit(issuer.strip())
    host = parts.hostname or ""
    if NOBODYS.fullmatch(host):
        yield checks.Warning(
            f"ISSUER of {alias!r} names {host!r}, which is no tenant's domain, so no event is "
            f"accepted.",
            hint="Type your own domain as Kinde shows it under Settings → Environment → Details, "
            "such as 'https://acme.kinde.com'.",
            id="billing_webhooks.W104",
        )
    elif not DOMAIN.fullmatch(issuer):
        yield checks.Warning(
            f"ISSUER of {alias!r} is more than a domain, so its keys are looked for at the wrong "
            f"place, and no event is accepted.",
            hint=f"Type scheme and host alone: '{parts.scheme}://{host.rstrip(',;')}'.",
            id="billing_webhooks.W102",
        )
