"""Ctrl-C and SIGTERM: leave, but never between a process and what ends it."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from tests.servers.processes import SIGNALS

_is_held = False
_status: int | None = None


def listen() -> None:
    """Leave through every `finally` from now on."""
    for number in SIGNALS:
        signal.signal(number, _leave)


@contextmanager
def held() -> Iterator[None]:
    """Let a signal wait: what is started here is known, and so ended, when it is heard."""
    global _is_held
    _is_held = True
    try:
        yield
    finally:
        _is_held = False
    if _status is not None:
        sys.exit(_status)


def _leave(number: int, frame: FrameType | None) -> None:
    global _status
    # A second one must not cut the end short.
    for each in SIGNALS:
        signal.signal(each, signal.SIG_IGN)
    _status = 128 + number
    if not _is_held:
        sys.exit(_status)
