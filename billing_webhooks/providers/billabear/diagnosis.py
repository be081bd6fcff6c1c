"""Whether BillaBear can live with the URL of the endpoint."""

from __future__ import annotations

from collections.abc import Iterator

from billing_webhooks.findings import Finding, Level
from billing_webhooks.providers.billabear.secrets import SHORTEN, length_problem, with_secret


def diagnose(alias: str, url: str, longest_secret: int) -> Iterator[Finding]:
    """Yield whether an endpoint's URL is short enough, with a secret of so many characters."""
    if not url:
        yield Finding(
            Level.WARNING,
            f"{alias!r}: the length of its URL is not known, because ALLOWED_HOSTS names no host.",
            "Say where the world finds the endpoints: --url https://shop.example.com/webhooks/",
        )
    elif problem := length_problem(with_secret(url, "x" * longest_secret)):
        yield Finding(Level.PROBLEM, f"{alias!r}: {problem}", SHORTEN)
    else:
        yield Finding(Level.OK, f"{alias!r}: the URL {url}, with its secret, is short enough.")
