"""What is tried in one of the runs on several databases."""

from __future__ import annotations

import os

import pytest

REASON = "It does not depend on the database: tried once, in the run on SQLite."
IS_ON_A_SERVER = "DATABASE_URL" in os.environ

# For tests of a module of which others depend on the database.
once = pytest.mark.skipif(IS_ON_A_SERVER, reason=REASON)


def on_one_database() -> None:
    """Skip a module that brings what it needs itself, and does not ask which database there is."""
    if IS_ON_A_SERVER:
        pytest.skip(REASON, allow_module_level=True)
