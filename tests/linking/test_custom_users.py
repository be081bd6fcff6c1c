"""Users of a project's own kind, in the database of the billing and in another one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.once import on_one_database

on_one_database()

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("alias", ["default", "billing"], ids=["one database", "two databases"])
def test_custom_users__are_linked_told_and_deleted(alias: str) -> None:
    env = {"DJANGO_SETTINGS_MODULE": "tests.people.settings", "TESTS_BILLING_ALIAS": alias}
    pytest_itself = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q"]
    run = subprocess.run(
        [*pytest_itself, "tests/people/inside.py"],
        cwd=ROOT,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert "skipped" not in run.stdout
