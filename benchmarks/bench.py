"""What every section needs: a database, deliveries, and how much to measure."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from benchmarks.posts import Post, read
from benchmarks.sizes import FULL, QUICK, Sizes


@dataclass(frozen=True)
class Bench:
    """
    Where a section is measured; `broker` is the URL of a Valkey, "" without one.

    The environment of its process says the same to Django: `settings` are made of it.
    """

    database: str
    url: str
    directory: Path
    broker: str
    history: Path
    is_quick: bool

    @classmethod
    def from_environment(cls) -> Bench:
        """Return what the stage has said to this process."""
        said = os.environ
        return cls(
            database=said["BENCH_DATABASE"],
            url=said["DATABASE_URL"],
            directory=Path(said["BENCH_DIRECTORY"]),
            broker=said["CELERY_BROKER_URL"],
            history=Path(said["BENCH_HISTORY"]),
            is_quick=said["BENCH_QUICK"] == "1",
        )

    def environment(self) -> dict[str, str]:
        """Return what `from_environment` reads."""
        return {
            "BENCH_DATABASE": self.database,
            "DATABASE_URL": self.url,
            "BENCH_DIRECTORY": str(self.directory),
            "CELERY_BROKER_URL": self.broker,
            "BENCH_HISTORY": str(self.history),
            "BENCH_QUICK": "1" if self.is_quick else "0",
        }

    @property
    def sizes(self) -> Sizes:
        return QUICK if self.is_quick else FULL

    @property
    def is_postgres(self) -> bool:
        return self.url.startswith("postgres")

    @cached_property
    def posts(self) -> Sequence[Post]:
        return read(self.history)
