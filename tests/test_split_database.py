"""The app on an alias of its own: what the project's router says goes for every row."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.once import on_one_database

on_one_database()

ROOT = Path(__file__).parent.parent
# What goes from the delivery to the answer, by way of every part of the app.
MODULES = (
    "tests/split/inside.py",
    "tests/access/test_rules.py",
    "tests/admin_pages/test_actions.py",
    "tests/admin_pages/test_exports.py",
    "tests/admin_pages/test_links.py",
    "tests/linking/test_resolver.py",
    "tests/test_belonging.py",
    "tests/test_identities.py",
    "tests/test_receivers.py",
)


def test_app__lives_on_the_alias_that_the_router_says() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *MODULES],
        cwd=ROOT,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "tests.split.settings"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout[-4000:]
