"""How long is searched: the same few examples each time, or for longer and at random."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

# FUZZ=20 searches twenty times as long, with other examples each time.
FACTOR = int(os.environ.get("FUZZ", "1"))


# What comes of a history is our code's doing on every database, so all are tried on SQLite. On
# servers some of them are, for what those do otherwise.
SHARE = 3 if "DATABASE_URL" in os.environ else 1


def budget(examples: int, share: int = SHARE) -> settings:
    """Return the settings of a search for this many examples, times FUZZ, or a share of them."""
    return settings(
        max_examples=max(examples * FACTOR // share, 1),
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
