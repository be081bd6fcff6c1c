"""Whether BillaBear can live with the endpoint's URL, and whether its API can be asked."""

from __future__ import annotations

from collections.abc import Iterator

from billing_webhooks.findings import Finding, Level, explained, presentable
from billing_webhooks.providers.billabear.client import Client
from billing_webhooks.providers.billabear.secrets import SHORTEN, length_problem, with_secret
from billing_webhooks.providers.fetching import CannotFetch


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


URL_ADVICE = "Look at API_URL: it ends in /api/v1, such as 'https://billabear.example.com/api/v1'."


def api_finding(alias: str, client: Client) -> Finding:
    """Return whether BillaBear's API answers, by which events are confirmed."""
    api = f"{alias!r}: BillaBear's API at {presentable(client.base)}"
    try:
        document = client.probe().document
    except CannotFetch as error:
        reason, advice = _reason(error)
        what = f"{api} confirms no event: {reason}."
        return Finding(Level.PROBLEM, what, advice)
    if not isinstance(document, dict) or not isinstance(document.get("data"), list):
        return Finding(Level.PROBLEM, f"{api} answers no list of customers.", URL_ADVICE)
    return Finding(Level.OK, f"{api} answers, so events are confirmed.")


def _reason(error: CannotFetch) -> tuple[str, str]:
    if error.status in {401, 403}:
        return f"it refuses the key ({error.status})", (
            "Look at API_KEY: BillaBear makes keys in its settings, and they expire."
        )
    if error.is_html or error.status == 404:
        return "there is no API at that address", URL_ADVICE
    if 300 <= error.status < 400:
        where = presentable(error.location) or "elsewhere"
        return f"it redirects to {where}, which is not followed", (
            "Use the address it leads to as API_URL."
        )
    cause = error.__cause__
    return explained(cause) if cause else (str(error), URL_ADVICE)
