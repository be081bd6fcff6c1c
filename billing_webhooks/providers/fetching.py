"""One bounded HTTP GET of a small JSON document."""

from __future__ import annotations

import http.client
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from billing_webhooks.providers.strict_json import NotStrictJSON, parse

MAX_BYTES = 512 * 1024
SOCKET_TIMEOUT_SECONDS = 3.0
TOTAL_SECONDS = 5.0
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class CannotFetch(Exception):
    """
    The document could not be had; the message says why without repeating its content.

    `status` and `location` are those of an answer that is no success; `is_html` says that
    a page for people was answered.
    """

    def __init__(
        self, message: str, *, status: int = 0, location: str = "", is_html: bool = False
    ) -> None:
        super().__init__(message)
        self.status = status
        self.location = location
        self.is_html = is_html


@dataclass(frozen=True)
class Fetched:
    """A JSON document, and the lower-case headers that came with it."""

    document: Any
    headers: Mapping[str, str]


class Hidden(str):
    """A text that is secret, so its repr, which error reports show, does not say it."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "<hidden>"


class _RefuseRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        """Return no request, which makes a redirect an error like any other status."""


def has_host(url: object) -> bool:
    """Return whether this is the text of a URL that names a host."""
    return isinstance(url, str) and bool(host_of(url))


def host_of(url: str) -> str:
    """Return the host that a URL names, "" for none: unlike the rest it holds no secret."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def is_safe_url(url: str) -> bool:
    """Return whether a URL is https, or http to this very machine."""
    parts = urlsplit(url)
    return bool(parts.hostname) and (
        parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)
    )


def fetch_json(url: str) -> Any:
    """Return the JSON document at a URL, as `fetch` does."""
    return fetch(url).document


def fetch(url: str, headers: Mapping[str, str] | None = None) -> Fetched:
    """
    Return the JSON document at a URL and what was said about it.

    `headers` go with the request, and nowhere else: values that are secret should be
    `Hidden`. At most TOTAL_SECONDS and MAX_BYTES are spent and no redirect is followed. Raise
    CannotFetch for everything that does not lead to a document.
    """
    if not is_safe_url(url):
        raise CannotFetch("only https URLs are fetched, or http ones of this machine")
    # Neither name resolution nor a trickle of header lines heeds the socket's timeout, so
    # this is done by a thread that can be left behind.
    answer: Future[Fetched] = Future()
    threading.Thread(target=_fulfil, args=(answer, url, headers or {}), daemon=True).start()
    try:
        return answer.result(TOTAL_SECONDS)
    except TimeoutError:
        raise CannotFetch(f"it takes longer than {TOTAL_SECONDS:.0f} seconds") from None


def _fulfil(answer: Future[Fetched], url: str, headers: Mapping[str, str]) -> None:
    try:
        answer.set_result(_fetch(url, headers))
    except Exception as error:
        answer.set_exception(error)


def _fetch(url: str, headers: Mapping[str, str]) -> Fetched:
    opener = urllib.request.build_opener(_RefuseRedirect)
    request = urllib.request.Request(  # noqa: S310 - the scheme was checked above
        url, headers={"Accept": "application/json", "Accept-Encoding": "identity", **headers}
    )
    deadline = time.monotonic() + TOTAL_SECONDS
    try:
        with opener.open(request, timeout=SOCKET_TIMEOUT_SECONDS) as response:
            said = {name.lower(): value for name, value in response.headers.items()}
            return Fetched(_parsed(_read(response, deadline)), said)
    except urllib.error.HTTPError as error:
        error.close()
        location = error.headers.get("Location") or ""
        raise CannotFetch(
            f"it answered {error.code}", status=error.code, location=location
        ) from None
    except (OSError, ValueError, http.client.HTTPException) as error:
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


def _parsed(body: bytes) -> Any:
    try:
        return parse(body).value
    except NotStrictJSON as error:
        raise CannotFetch(f"it is {error}", is_html=body.lstrip().startswith(b"<")) from None
