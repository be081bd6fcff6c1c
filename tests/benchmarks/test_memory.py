"""How much memory processes hold is known from the first moment of watching on."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta

from benchmarks.memory import Watch
from tests.once import on_one_database
from tests.waiting import until

on_one_database()


def test_peak__before_anybody_looked() -> None:
    """A few events are worked off before a worker is known to be there."""
    before = datetime.now(UTC) - timedelta(seconds=1)
    with Watch([os.getpid()]) as watch:
        pass
    assert watch.peak_mib(before) > 0


def test_peak__is_what_was_held_until_then() -> None:
    with Watch([os.getpid()]) as watch:
        then = datetime.now(UTC)
        held = watch.peak_mib(then)
        more = bytearray(b"x") * int(2 * held * 2**20)
        until(lambda: watch.peak_mib(datetime.now(UTC)) >= 2 * held, nudge=lambda: None)
        del more
    assert watch.peak_mib(then) < 2 * held
