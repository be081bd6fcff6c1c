"""What a case of the catalogue is, and ways to say what has to come of it."""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from billing_webhooks.testing import KindeIssuer
from tests.catalogue.sending import NO_ANSWER, Request, post
from tests.kinde import origin
from tests.kinde.tokens import Make as MakeToken

REFUSING = "WARNING billing_webhooks.events.rejected"
STORING = "INFO billing_webhooks.events.accepted"
REPEATING = "INFO billing_webhooks.events.repeated"
CONTRADICTING = "WARNING billing_webhooks.events.contradicted"
DOUBTING = "WARNING billing_webhooks.events.accepted"
# By what the sender is answered.
QUARANTINING = {
    200: "ERROR billing_webhooks.events.quarantined",
    400: "WARNING billing_webhooks.events.quarantined",
}
# What becomes of an event is told by its worker, who here is the same process.
DONE = "INFO billing_webhooks.events.processed"
WORKING = "ERROR billing_webhooks.events.died"
FETCHING = "ERROR billing_webhooks.events.keys_not_fetched"
# Of what does not get past Django, Django tells.
DJANGO = "WARNING django.request"
HOST_CHECK = "ERROR django.security.DisallowedHost"

KINDE = "kinde"
# Its keys are never asked for, because nobody comes so far.
COLD = "kinde-cold"


class Trap:
    """A place that nobody may connect to."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._socket.setblocking(False)
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    def is_untouched(self) -> bool:
        try:
            self._socket.accept()[0].close()
        except BlockingIOError:
            return True
        return False

    def close(self) -> None:
        self._socket.close()


@dataclass(frozen=True)
class World:
    """Who takes part: the tenant, somebody with a key of his own, and what he would lure us to."""

    issuer: KindeIssuer
    foreign_key: RSAPrivateKey
    trap: Trap


Make = Callable[[World], Request]


@dataclass(frozen=True)
class Expected:
    """
    What has to come of a case's last request.

    `stored` are the states of the events that are there at the end, `touched` says whether there
    is a row of billing state, `log` what is logged of the request, as "LEVEL logger", and
    `reason` what the first of these lines says.
    """

    status: int
    stored: tuple[str, ...] = ()
    touched: bool = False
    log: tuple[str, ...] = ()
    reason: str = ""
    deliveries: int = 1
    conflicts: int = 0


@dataclass(frozen=True)
class Case:
    """
    Something to send, after what is sent `before` it, and what each server has to make of it.

    `rows` are those of the catalogue's page. An alias of Kinde that is not KINDE has a key set of
    its own: the tenant's, if `keys` does not give another answer, at a place of the tests, if it
    is not at a `keys_url`. `fetches` is how often the last request has it fetched. What is
    `unsaid` stands in no log.
    """

    rows: tuple[int, ...]
    name: str
    make: Make
    expected: Mapping[str, Expected]
    before: tuple[tuple[Make, int], ...] = ()
    alias: str = KINDE
    keys: Callable[[KindeIssuer], origin.Answer] | None = None
    keys_url: str = ""
    fetches: int = 0
    unsaid: str = ""

    def __str__(self) -> str:
        return f"{'+'.join(map(str, self.rows))} {self.name}"


def refused(status: int, reason: str, *beside: str) -> Expected:
    """Expect that nothing is kept, and one line that says why."""
    return Expected(status, log=(REFUSING, *beside), reason=f" reason={reason} ")


def not_reached(status: int, *log: str) -> Expected:
    """Expect that somebody else answers: Django, or the server without a word."""
    return Expected(status, log=log)


def no_answer() -> Expected:
    return not_reached(NO_ANSWER)


def quarantined(status: int, reason: str = "") -> Expected:
    # A sentence stands in quotes, and the cases know how it begins.
    return Expected(
        status, ("quarantined",), log=(QUARANTINING[status],), reason=f' reason="{reason}'
    )


def applied(log: str = STORING) -> Expected:
    return Expected(200, ("processed",), touched=True, log=(log, DONE))


def kept(log: str = STORING) -> Expected:
    """Expect an event of which there is nothing to apply."""
    return Expected(200, ("processed",), log=(log, DONE))


def dead() -> Expected:
    """Expect an event that is given up when it is worked, in this very request."""
    return Expected(200, ("dead",), log=(STORING, WORKING))


def on_gunicorn(expected: Expected) -> dict[str, Expected]:
    return {"gunicorn": expected}


def on_both(expected: Expected, *, uvicorn: Expected | None = None) -> dict[str, Expected]:
    """Expect the same of both servers, or something else of uvicorn."""
    return {"gunicorn": expected, "uvicorn": uvicorn or expected}


def of_token(make: MakeToken, alias: str = KINDE, *headers: str | bytes) -> Make:
    """Return what posts a token of the tenant as Kinde does."""
    return lambda world: post(f"/webhooks/{alias}", make(world.issuer), *headers)


def again(expected: Expected, deliveries: int = 2) -> Expected:
    """Expect the same, of an event that has come before."""
    log = (REPEATING,) if DONE in expected.log else expected.log
    return replace(expected, deliveries=deliveries, log=log)


def token_case(
    row: int | tuple[int, ...],
    name: str,
    make: MakeToken,
    expected: Expected | Mapping[str, Expected],
    *,
    alias: str = KINDE,
    **more: Any,
) -> Case:
    """Return a case of one token; without a choice it is sent to gunicorn."""
    rows = row if isinstance(row, tuple) else (row,)
    servers = on_gunicorn(expected) if isinstance(expected, Expected) else expected
    return Case(rows, name, of_token(make, alias), servers, alias=alias, **more)
