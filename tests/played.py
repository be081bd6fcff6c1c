"""The demonstration, played once for all tests that look at what came of it."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

EXAMPLE = Path(__file__).resolve().parent.parent / "example_project"
# What would change the example project's settings.
FROM_OUTSIDE = {
    "CELERY_BROKER_URL",
    "DATABASE_URL",
    "DEBUG",
    "DJANGO_SETTINGS_MODULE",
    "KINDE_ISSUER",
    "KINDE_JWKS_URL",
    "METRICS_TOKEN",
    "PROMETHEUS_MULTIPROC_DIR",
    "PYTHONPATH",
}

_folder = tempfile.TemporaryDirectory(prefix="billing_webhooks_demo_")


@dataclass(frozen=True)
class Played:
    """The demonstration's database, exit status and output, and what its processes counted."""

    database: Path
    metrics: Path
    status: int
    output: str


@cache
def played() -> Played:
    """Return what came of the demonstration, run as a newcomer runs it."""
    database = Path(_folder.name) / "demo.sqlite3"
    metrics = Path(_folder.name) / "metrics"
    metrics.mkdir(exist_ok=True)
    environment = {**clean_environment(), "PROMETHEUS_MULTIPROC_DIR": str(metrics)}
    folder = Path(_folder.name)
    status, output = run("demo.py", "--database", str(database), env=environment, cwd=folder)
    return Played(database, metrics, status, output)


def clean_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name not in FROM_OUTSIDE}


def run(script: str, *arguments: str, env: dict[str, str], cwd: Path) -> tuple[int, str]:
    """Return the exit status and everything said by one of the example project's scripts."""
    ended = subprocess.run(
        [sys.executable, EXAMPLE / script, *arguments],
        env=env,
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
    )
    return ended.returncode, ended.stdout
