"""Every case of the catalogue."""

from __future__ import annotations

from collections.abc import Iterator

from tests.catalogue import (
    billabear_bodies,
    billabear_secrets,
    http_bodies,
    http_requests,
    kinde_events,
    kinde_headers,
    kinde_keys,
    kinde_payloads,
    kinde_tokens,
)
from tests.catalogue.cases import Case

MODULES = (
    kinde_headers,
    kinde_tokens,
    kinde_payloads,
    kinde_events,
    kinde_keys,
    billabear_secrets,
    billabear_bodies,
    http_requests,
    http_bodies,
)
CASES: tuple[Case, ...] = tuple(case for module in MODULES for case in module.CASES)


def on_servers() -> Iterator[tuple[Case, str]]:
    """Yield each case with each server that it is sent to."""
    for case in CASES:
        for server in case.expected:
            yield case, server
