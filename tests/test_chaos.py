"""The crash tests in their short form; `make chaos` runs the long one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.chaos.sabotage import SABOTAGES, build

ROOT = Path(__file__).parent.parent
NO_SERVER = 4
PATIENCE_SECONDS = 600
# The short form does without the others.
TRIED = ("acknowledge-first", "no-lock", "settle-first")
BUILDS = ("honest", *TRIED)

once = pytest.mark.skipif(
    "DATABASE_URL" in os.environ,
    reason="the crash tests bring a PostgreSQL of their own, so they run once, with SQLite's tests",
)


@pytest.fixture(scope="module")
def said() -> str:
    """What the harness says of the package and of broken builds of it."""
    builds = [f"--build={name}" for name in BUILDS]
    command = [sys.executable, "-m", "tests.chaos", "--seconds=30", "--events=500", *builds]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as run:
        try:
            output, _ = run.communicate(timeout=PATIENCE_SECONDS)
        except BaseException:
            # Killed, it would leave its servers behind.
            run.terminate()
            raise
    if run.returncode == NO_SERVER:
        pytest.skip(output)
    return output


@once
def test_package__loses_nothing_and_does_nothing_twice(said: str) -> None:
    assert "honest: all is right" in said, said


@once
@pytest.mark.parametrize("name", TRIED)
def test_sabotage__is_noticed(said: str, name: str) -> None:
    assert f"{name}: noticed" in said, said


@pytest.mark.parametrize("name", SABOTAGES)
def test_sabotage__finds_the_lines_that_it_replaces(tmp_path: Path, name: str) -> None:
    package = build(SABOTAGES[name].edits, tmp_path)
    for path in package.rglob("*.py"):
        compile(path.read_text(), str(path), "exec")
