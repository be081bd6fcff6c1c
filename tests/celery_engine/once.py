"""What is tried in one of the runs on several databases."""

from __future__ import annotations

import os

import pytest


def on_one_database() -> None:
    """Skip a module that depends on brokers and workers, and not on the database."""
    if "DATABASE_URL" in os.environ:
        pytest.skip(
            "Brokers and workers are tried once, in the run on SQLite.", allow_module_level=True
        )
