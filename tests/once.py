"""What is tried in one of the runs on several databases."""

from __future__ import annotations

import os

import pytest


def on_one_database() -> None:
    """Skip a module that brings what it needs itself, and does not ask which database there is."""
    if "DATABASE_URL" in os.environ:
        pytest.skip(
            "It does not depend on the database: tried once, in the run on SQLite.",
            allow_module_level=True,
        )
