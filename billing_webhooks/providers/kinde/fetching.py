"""One bounded HTTP GET of a small JSON document."""

from __future__ import annotations

import http.client
import time
import urllib.error
import urllib.request
from typing import Any, NoReturn
from urllib.parse import urlsplit

from billing_webhooks.providers.strict_json import NotStrictJSON, parse

MAX_BYTES = 512 * 1024
SOCKET_TIMEOUT_SECONDS = 3.0
TOTAL_SECONDS = 5.0
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class CannotFetch(Exception):
    """The document could not be had; the message says why without repeating its content."""


class _RefuseRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> NoReturn:
        raise CannotFetch("it redirects, which is never followed")


def is_safe_url(url: str) -> bool:
    """Return whether a URL is https, or http to this very machine."""
    parts = urlsplit(url)
    return bool(parts.hostname) and (
        parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)
    )


def fetch_json(url: str) -> Any:
    """
    Return the JSON document at a URL.

    At most TOTAL_SECONDS and MAX_BYTES are spent and no redirect is followed. Raise
    CannotFetch for everything that does not lead to a document.
    """
    if not is_safe_url(url):
        raise CannotFetch("only https URLs are fetched, or http ones of this machine")
    opener = urllib.request.build_opener(_RefuseRedirect)
    request = urllib.request.Request(  # noqa: S310 - the scheme was checked above
        url, headers={"Accept": "application/json", "Accept-Encoding": "identity"}
    )
    deadline = time.monotonic() + TOTAL_SECONDS
    try:
        with opener.open(request, timeout=SOCKET_TIMEOUT_SECONDS) as response:
            return parse(_read(response, deadline)).value
    except NotStrictJSON as error:
        raise CannotFetch(f"it is {error}") from None
    except urllib.error.HTTPError as error:
        raise CannotFetch(f"it answered {error.code}") from None
    except (OSError, http.client.HTTPException) as error:
        raise CannotFetch(f"{type(error).__name__}") from error


def _read(response: http.client.HTTPResponse, deadline: float) -> bytes:
    body = bytearray()
    # The socket's timeout starts anew with every byte, so a trickle needs its own bound.
    while chunk := response.read1(64 * 1024):
        body += chunk
        if len(body) > MAX_BYTES:
            raise CannotFetch(f"it is larger than {MAX_BYTES} bytes")
        if time.monotonic() > deadline:
            raise CannotFetch(f"it takes longer than {TOTAL_SECONDS:.0f} seconds")
    return bytes(body)
