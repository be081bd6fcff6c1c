"""
Posts that prove nothing, to see who answers them: the endpoint or somebody before it.

One way goes through the project's own middleware within this process, the other one
over the network as a provider's post does.
"""

from __future__ import annotations

import http.client
import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest
from django.test import Client, override_settings
from django.urls import Resolver404, resolve

from billing_webhooks.findings import presentable

CONTENT_TYPE = "application/octet-stream"
# Seconds for each step: connecting, sending a part, waiting for the answer.
TIMEOUT = 5.0
VIEW = "billing_webhooks.views.receive"


class NoAnswer(Exception):
    """Nothing that is HTTP came back; the cause says why."""


@dataclass(frozen=True)
class Probe:
    """A post that no provider can take for its own."""

    path: str
    size: int
    host: str
    is_secure: bool

    @property
    def body(self) -> bytes:
        return b"x" * self.size


@dataclass(frozen=True)
class Answer:
    """
    What came back. `location` is where a redirect leads to, without its query.

    `is_refusal` says that the endpoint itself has refused, `knows_host` that
    ALLOWED_HOSTS does.
    """

    status: int
    location: str = ""
    is_refusal: bool = False
    knows_host: bool = True


def inside(probe: Probe) -> Answer:
    """Return the answer of this project, through all of its middleware."""
    client = Client(enforce_csrf_checks=True, raise_request_exception=False)
    # Nobody has tried anything: it is not to be counted either.
    with _without_logs(), override_settings(BILLING_WEBHOOKS_REFUSALS_KEPT=0):
        try:
            response = client.generic(
                "POST",
                quote(probe.path, safe="/%"),
                probe.body,
                content_type=CONTENT_TYPE,
                secure=probe.is_secure,
                headers={"Host": probe.host},
            )
        except Exception:
            # Of middleware that cannot even be built.
            return Answer(500)
        return Answer(
            response.status_code,
            presentable(response.get("Location", "")),
            is_refusal(response),
            _knows_host(response.wsgi_request),
        )


def is_refusal(response: object) -> bool:
    """Return whether a response is the endpoint's own refusal, which nobody has replaced."""
    return getattr(response, "refuses_delivery", False)


def _knows_host(request: HttpRequest) -> bool:
    try:
        request.get_host()
    except DisallowedHost:
        return False
    return True


@contextmanager
def _without_logs() -> Iterator[None]:
    # A probe is no incident: nobody should be mailed because of it.
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(before)


def who_answers(probe: Probe) -> str | None:
    """
    Return the dotted path of the middleware that answers a probe instead of the endpoint.

    Empty if it is none of them: the endpoint is not even reached without any. None if,
    asked again, the endpoint answers.
    """
    installed = list(settings.MIDDLEWARE)
    # Each may need those before it, and none those behind.
    for number in range(len(installed) + 1):
        with override_settings(MIDDLEWARE=installed[:number]):
            if not inside(probe).is_refusal:
                return installed[number - 1] if number else ""
    return None


def leads_to_the_endpoint(path: str) -> bool:
    """Return whether a path of the project is answered by this package's view."""
    try:
        return resolve(path)._func_path == VIEW
    except Resolver404:
        return False


def outside(url: str, size: int) -> Answer:
    """
    Return the answer that comes over the network; no redirect is followed.

    Raise NoAnswer if there is none.
    """
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=TIMEOUT)
    try:
        connection.connect()
        # Who refuses a large body may close the connection while it is being sent.
        with suppress(BrokenPipeError, ConnectionResetError):
            connection.request("POST", parts.path, b"x" * size, {"Content-Type": CONTENT_TYPE})
        response = connection.getresponse()
        return Answer(response.status, presentable(response.getheader("Location", "")))
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise NoAnswer from error
    finally:
        connection.close()
