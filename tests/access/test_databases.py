"""Users of another kind, in the same database and in another one."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tests.once import on_one_database

on_one_database()


@pytest.mark.parametrize("apart", ["yes", "no"])
def test_users__of_another_kind(apart: str) -> None:
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-m", "tests.access.apart"],
        env={**os.environ, "APART": apart},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    # Of two statements one is for the other database.
    assert json.loads(ran.stdout) == {
        "users": ["ada"],
        "statements": 1,
        "rules": ["customer_plan", "no_customer"],
        "explained": [True, False],
    }
