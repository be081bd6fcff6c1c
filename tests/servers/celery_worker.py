"""A real Celery worker."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.servers.program import Program

# Looking for other workers first takes a second.
ALONE = ("--without-gossip", "--without-mingle")


class Worker(Program):
    """
    A worker and its pool, which stop() lets finish what they are at.

    `app` is what `celery --app` takes, `options` what `celery worker` does. Two workers of one
    broker need two names.
    """

    def __init__(
        self,
        app: str,
        directory: Path,
        env: Mapping[str, str] | None = None,
        options: Sequence[str] = (),
        name: str = "worker",
    ) -> None:
        celery = [sys.executable, "-m", "celery", "--app", app]
        worker = ["worker", "--loglevel", "INFO", "--hostname", f"{name}@%h", *ALONE, *options]
        super().__init__([*celery, *worker], directory / f"{name}.log", env)

    def is_ready(self) -> bool:
        return " ready." in self.text()
