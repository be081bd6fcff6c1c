"""
BillaBear's REST API, as far as events are confirmed by it.

Source: BillaBear's API controllers and their answers, 2026-04.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from django.core.exceptions import ImproperlyConfigured

from billing_webhooks.exceptions import NotConfirmed
from billing_webhooks.providers.fetching import CannotFetch, Fetched, Hidden, fetch, has_host

PER_PAGE = 100
# A plan comes with its prices and features, and an answer has a limit of bytes.
PLANS_PER_PAGE = 20
MAX_PAGES = 50

KEY_HEADER = "X-API-KEY"
# Anything else would be refused by the HTTP client, in a message that repeats it.
_KEY = re.compile(r"[!-~]+")


class Client:
    """Asks one BillaBear installation. The key is in a header, and in no repr or message."""

    def __init__(self, base: str, api_key: str) -> None:
        self.base = base.rstrip("/")
        self._secret_headers = {KEY_HEADER: Hidden(api_key)}

    def customer(self, customer: str) -> Mapping[str, Any]:
        return _checked(self._get("customer", "customer", customer), customer, "customer")

    def subscription(self, customer: str, subscription: str) -> Mapping[str, Any]:
        """Return a subscription, which must be this customer's: alone it does not say whose."""
        rows = self._listed("subscription", "customer", customer, "subscription")
        return _found(rows, subscription, "subscription")

    def payment(self, payment: str, customer: str | None) -> Mapping[str, Any]:
        """Return a payment, which must be the customer's where one is given."""
        path = ("payment",) if customer is None else ("customer", customer, "payment")
        return _found(self._listed("payment", *path), payment, "payment")

    def plan(self, plan: str) -> Mapping[str, Any] | None:
        rows = self._listed("plan", "subscription", "plans", limit=PLANS_PER_PAGE)
        return next((row for row in rows if row.get("id") == plan), None)

    def probe(self) -> Fetched:
        """Return the answer to a small question; raise CannotFetch."""
        return self._fetch("customer", limit=1)

    def _listed(self, what: str, *path: str, limit: int = PER_PAGE) -> Iterator[Mapping[str, Any]]:
        """Yield the objects of a list, page by page; raise NotConfirmed if it has no end."""
        last_key: Any = None
        for _ in range(MAX_PAGES):
            after = {} if last_key is None else {"last_key": last_key}
            page = self._get(what, *path, limit=limit, **after)
            rows = page.get("data") if isinstance(page, Mapping) else None
            if not isinstance(rows, list):
                raise NotConfirmed(f"BillaBear's API answers no list of {what}s.")
            yield from (row for row in rows if isinstance(row, Mapping))
            if page.get("has_more") is not True:
                return
            before, last_key = last_key, page.get("last_key")
            if last_key in (None, before):
                # What is not in the rest of the list need not be gone.
                raise NotConfirmed(f"BillaBear's API breaks off its list of {what}s.")
        raise NotConfirmed(f"The {what} is not on the first {MAX_PAGES} pages of BillaBear's API.")

    def _get(self, what: str, *path: str, **query: Any) -> Any:
        try:
            return self._fetch(*path, **query).document
        except CannotFetch as error:
            raise NotConfirmed(_reason(what, error)) from None

    def _fetch(self, *path: str, **query: Any) -> Fetched:
        parts = "/".join(quote(part, safe="") for part in path)
        url = f"{self.base}/{parts}"
        return fetch(f"{url}?{urlencode(query)}" if query else url, self._secret_headers)


def client_of(where: str, options: Mapping[str, Any]) -> Client | None:
    """
    Return the client that API_URL and API_KEY make, None without them.

    Raise ImproperlyConfigured for one without the other, or what is no URL or key.
    """
    url, api_key = options.get("API_URL") or "", options.get("API_KEY") or ""
    if not url and not api_key:
        return None
    if not url or not api_key:
        raise ImproperlyConfigured(f"{where} needs both API_URL and API_KEY, or neither.")
    if not has_host(url) or not _is_plain(url):
        raise ImproperlyConfigured(
            f"{where}['API_URL'] must be a URL with scheme, host and path alone, such as "
            f"'https://billabear.example.com/api/v1'."
        )
    if not isinstance(api_key, str) or not _KEY.fullmatch(api_key):
        raise ImproperlyConfigured(
            f"{where}['API_KEY'] must be a text of ASCII characters without spaces or line ends."
        )
    return Client(url, api_key)


def _is_plain(url: str) -> bool:
    parts = urlsplit(url)
    try:
        parts.port  # noqa: B018 - what is no number raises
    except ValueError:
        return False
    # What is not printed cannot be sent either.
    return "@" not in parts.netloc and not re.search(r"[?#]|[^!-~]", url)


def _checked(document: Any, external_id: str, what: str) -> Mapping[str, Any]:
    if not isinstance(document, Mapping) or document.get("id") != external_id:
        raise NotConfirmed(f"BillaBear's API answers with something that is not the {what}.")
    return document


def _found(rows: Iterator[Mapping[str, Any]], external_id: str, what: str) -> Mapping[str, Any]:
    for row in rows:
        if row.get("id") == external_id:
            return row
    raise NotConfirmed(f"BillaBear's API knows no such {what}.")


def _reason(what: str, error: CannotFetch) -> str:
    if error.status in {404, 500}:
        # A malformed id is a 500 there.
        return f"BillaBear's API knows no such {what} ({error.status})."
    if error.status in {401, 403}:
        return f"BillaBear's API refuses the key ({error.status})."
    if 300 <= error.status < 400:
        return "BillaBear's API redirects, which is not followed."
    return f"BillaBear's API cannot be asked: {error}."
