"""A replica that lags: access may be asked of it, and nothing else is read there."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.once import on_one_database
from tests.servers.program import ROOT

on_one_database()


def test_app__reads_only_access_from_a_replica() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/replica/inside.py"],
        cwd=ROOT,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "tests.replica.settings"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout[-4000:]
