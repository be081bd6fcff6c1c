"""How long is searched: the same few examples each time, or for longer and at random."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

# FUZZ=20 searches twenty times as long, with other examples each time.
FACTOR = int(os.environ.get("FUZZ", "1"))


def budget(examples: int) -> settings:
    """Return the settings of a search for this many examples, times FUZZ."""
    return settings(
        max_examples=examples * FACTOR,
        derandomize=FACTOR == 1,
        deadline=None,
        database=None,
        suppress_health_check=[
            HealthCheck.function_scoped_fixture,
            HealthCheck.too_slow,
            HealthCheck.data_too_large,
            HealthCheck.filter_too_much,
        ],
    )
