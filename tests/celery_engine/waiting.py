"""Waiting for what other threads and processes do."""

from __future__ import annotations

import time
from collections.abc import Callable

LONGEST_SECONDS = 120


def wait_for(condition: Callable[[], bool], told: Callable[[], str] = lambda: "") -> None:
    """Return once the condition holds; fail with what is told if it does not come to that."""
    deadline = time.monotonic() + LONGEST_SECONDS
    while not condition():
        assert time.monotonic() < deadline, told()
        time.sleep(0.05)
