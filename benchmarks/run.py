"""All sections, each on every database that it is about."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from benchmarks.bench import Bench
from benchmarks.stage import SETTINGS, SectionFailed, Stage
from benchmarks.table import Row


@dataclass(frozen=True)
class Section:
    """
    A module that measures. It may need settings and a database of its own, because of
    another app in it, and may have nothing to do with databases: then it runs on one.
    """

    module: str
    settings: str = SETTINGS
    database: str = "bench"
    is_of_a_database: bool = True


# By the name that --only knows.
SECTIONS = {
    "acknowledge": Section("acknowledging"),
    "serve": Section("serving"),
    "verify": Section("verifying", is_of_a_database=False),
    "process": Section("working"),
    "drain": Section("draining"),
    "profile": Section("profiling"),
    "latency": Section("latency"),
    "peers": Section("peers", "benchmarks.peers_settings", "peers"),
}


@dataclass
class Run:
    """Sections by their names, on a stage; `failed` are those that could not be measured."""

    stage: Stage
    names: Sequence[str]
    failed: list[str] = field(default_factory=list)
    _prepared: dict[tuple[str, str], Bench] = field(default_factory=dict)

    def rows(self) -> Iterator[Row]:
        """Yield what each section measures, and tell meanwhile what is being measured."""
        for name in self.names:
            section = SECTIONS[name]
            databases = self.stage.databases
            for database in databases if section.is_of_a_database else databases[:1]:
                began = time.monotonic()
                yield from self._measured(name, section, database)
                seconds = time.monotonic() - began
                print(f"{name} on {database}: {seconds:.0f} s", file=sys.stderr, flush=True)

    def _measured(self, name: str, section: Section, database: str) -> Sequence[Row]:
        try:
            bench = self._bench(section, database)
            return self.stage.rows(bench, section.module, section.settings)
        except SectionFailed as error:
            self.failed.append(name)
            print(f"{name} on {database} failed:\n{error}", file=sys.stderr, flush=True)
            return [Row(name, of=database, median="could not be measured")]

    def _bench(self, section: Section, database: str) -> Bench:
        key = section.database, database
        if key not in self._prepared:
            bench = self.stage.bench(database, section.database)
            self.stage.prepare(bench, section.settings)
            self._prepared[key] = bench
        return self._prepared[key]
