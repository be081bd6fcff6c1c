"""Waiting for what happens elsewhere, with an end to the patience."""

from __future__ import annotations

import time
from collections.abc import Callable

PATIENCE_SECONDS = 30


def until(happened: Callable[[], bool], nudge: Callable[[], object]) -> None:
    """Nudge until it has happened."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not happened():
        assert time.monotonic() < deadline, f"{happened.__name__} is still not true."
        nudge()
        time.sleep(0.01)
