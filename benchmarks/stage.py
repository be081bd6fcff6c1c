"""The servers, the deliveries and the databases of a run, and its sections one after another."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from benchmarks.bench import Bench
from benchmarks.posts import history, write
from benchmarks.sizes import FULL, QUICK
from benchmarks.table import Row
from billing_webhooks.testing import KindeIssuer
from tests.chaos.leaving import held
from tests.servers.postgres import PostgreSQL, postgres
from tests.servers.processes import NoServer
from tests.servers.program import Program
from tests.servers.valkey import Valkey, valkey

SQLITE, POSTGRESQL = "SQLite", "PostgreSQL"
DATABASES = (SQLITE, POSTGRESQL)
SETTINGS = "benchmarks.settings"


class SectionFailed(Exception):
    """A section ended before it had measured everything; the message is what it said last."""


@dataclass(frozen=True)
class Stage:
    """What all sections share, and the databases that there are servers for."""

    directory: Path
    issuer: KindeIssuer
    server: PostgreSQL | None
    broker: Valkey | None
    databases: Sequence[str]
    is_quick: bool

    def bench(self, database: str, name: str = "bench") -> Bench:
        """Return where sections are measured on a kind of database, in one of that name."""
        directory = self.directory / f"{database}-{name}"
        url = f"sqlite:///{directory / 'db.sqlite3'}"
        if database == POSTGRESQL and self.server is not None:
            url = self.server.url.rpartition("/")[0] + f"/{name}"
        broker = self.broker.url if self.broker else ""
        return Bench(database, url, directory, broker, self.directory / "history", self.is_quick)

    def prepare(self, bench: Bench, settings: str = SETTINGS) -> None:
        """Make a database with its tables."""
        bench.directory.mkdir()
        if bench.is_postgres:
            server, _, name = bench.url.rpartition("/")
            with psycopg.connect(f"{server}/postgres", autocommit=True) as session:
                session.execute(f"CREATE DATABASE {name}")
        migrate = [sys.executable, "-m", "django", "migrate", "--run-syncdb", "--verbosity=0"]
        self._run(bench, "migrate", migrate, settings)

    def rows(self, bench: Bench, section: str, settings: str = SETTINGS) -> Sequence[Row]:
        """Return what a section measures there; raise SectionFailed."""
        path = bench.directory / f"{section}.rows"
        path.touch()
        command = [sys.executable, "-m", "benchmarks.section", section, str(path)]
        self._run(bench, section, command, settings)
        return [Row(**json.loads(line)) for line in path.read_text().splitlines()]

    def _run(self, bench: Bench, name: str, command: Sequence[str], settings: str) -> None:
        environment = {
            **bench.environment(),
            "BENCH_ISSUER": self.issuer.url,
            "DJANGO_SETTINGS_MODULE": settings,
        }
        program = Program(command, bench.directory / f"{name}.log", environment)
        with held():
            program.start()
        try:
            status = program.process.wait()
        finally:
            program.kill()
        if status != 0:
            raise SectionFailed(program.text())


@contextmanager
def stage(directory: Path, databases: Sequence[str], *, is_quick: bool) -> Iterator[Stage]:
    """Start the servers that can be had in a directory, and sign what will be posted."""
    with ExitStack() as stack:
        with held():
            issuer = stack.enter_context(KindeIssuer())
            server = _postgres(directory, stack) if POSTGRESQL in databases else None
            broker = _valkey(directory, stack)
        write(history(issuer, (QUICK if is_quick else FULL).events), directory / "history")
        there = [name for name in databases if name != POSTGRESQL or server is not None]
        yield Stage(directory, issuer, server, broker, there, is_quick)


def _postgres(directory: Path, stack: ExitStack) -> PostgreSQL | None:
    try:
        return stack.enter_context(postgres(directory, is_durable=True))
    except NoServer as error:
        print(f"Nothing is measured on PostgreSQL: {error}.", file=sys.stderr)
        return None


def _valkey(directory: Path, stack: ExitStack) -> Valkey | None:
    try:
        return stack.enter_context(valkey(directory))
    except NoServer as error:
        print(f"Nothing is measured with Celery: {error}.", file=sys.stderr)
        return None
