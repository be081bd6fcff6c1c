"""What an examination finds, and how it speaks of addresses and of failed connections."""

from __future__ import annotations

import socket
import ssl
from dataclasses import dataclass
from enum import StrEnum
from urllib.error import URLError
from urllib.parse import urlsplit


class Level(StrEnum):
    """How much a finding matters."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True)
class Finding:
    """
    One thing that was looked at: `what` is the case, and what to do about it.

    Both are sentences for people; neither holds a secret or a URL that may hold one.
    """

    level: Level
    what: str
    advice: str = ""


# The most telling class first: some are subclasses of others further down.
REASONS: tuple[tuple[type[BaseException], str, str], ...] = (
    (
        socket.gaierror,
        "its name is not known",
        "Look for a misspelling in the address, and whether this machine can resolve names (DNS).",
    ),
    (
        ssl.SSLCertVerificationError,
        "its certificate is not valid",
        "Look at its name, its end and its chain, at this machine's CA certificates, and at this "
        "machine's clock.",
    ),
    (
        ssl.SSLError,
        "no TLS connection comes about",
        "Look whether TLS is spoken at this port, and what stands between.",
    ),
    (
        ConnectionRefusedError,
        "nobody listens there",
        "Look at host and port, and whether the server runs.",
    ),
    (
        TimeoutError,
        "nobody answers in time",
        "Look whether a firewall drops connections from this machine.",
    ),
)
FURTHER_REASON = "Look at what stands between: firewall, proxy, load balancer."


def explained(error: BaseException) -> tuple[str, str]:
    """Return why a connection failed, and what to look at."""
    cause = error.reason if isinstance(error, URLError) else error
    for kind, what, advice in REASONS:
        if isinstance(cause, kind):
            return what, advice
    return f"the connection fails ({type(cause).__name__})", FURTHER_REASON


def presentable(url: str) -> str:
    """Return a URL without userinfo, query and fragment, where secrets may be."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return "(no readable URL)"
    host = f"[{host}]" if ":" in host else host
    netloc = f"{host}:{port}" if port else host
    return f"{parts.scheme}://{netloc}{parts.path}" if netloc else parts.path
