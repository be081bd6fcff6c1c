"""Everything that runs: two web processes, two Celery workers, beat, and now and then `process`."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from tests.servers.celery_worker import Worker
from tests.servers.postgres import PostgreSQL
from tests.servers.processes import free_port
from tests.servers.program import ROOT, Program
from tests.servers.valkey import Valkey

CELERY_APP = "tests.chaos.project.celery_app:app"
SETTINGS = "tests.chaos.project.settings"
# What the project calls itself, whatever the address that a request came in by.
HOST = "127.0.0.1"
WORKERS = 2
FAILURES_IN_100 = 4


class Web(Program):
    """Gunicorn with so many worker processes of four threads; several may write one log."""

    def __init__(
        self,
        directory: Path,
        env: Mapping[str, str],
        *,
        address: str = "127.0.0.1",
        processes: int = 2,
    ) -> None:
        self.address = address
        self.port = free_port()
        gunicorn = [sys.executable, "-m", "gunicorn", f"--bind={address}:{self.port}"]
        size = [f"--workers={processes}", "--threads=4"]
        application = "django.core.wsgi:get_wsgi_application()"
        super().__init__([*gunicorn, *size, application], directory / "web.log", env)

    def is_ready(self) -> bool:
        try:
            with closing(HTTPConnection(self.address, self.port, timeout=5)) as client:
                client.request("GET", "/webhooks/kinde", headers={"Host": HOST})
                return client.getresponse().status == 405
        except (OSError, HTTPException):
            return False


@dataclass
class Stage:
    """The programs under test and the servers they use."""

    postgres: PostgreSQL
    valkey: Valkey
    database: str
    web: Web
    workers: list[Worker]
    beat: Program
    watcher: Program

    @property
    def programs(self) -> list[Program]:
        return [self.web, *self.workers, self.beat, self.watcher]

    def start(self) -> None:
        programs = [self.web, *self.workers, self.beat]
        for program in programs:
            program.start()
        for program in programs:
            program.wait_until_ready()

    def kill(self) -> None:
        for program in self.programs:
            program.kill()

    def calm(self) -> None:
        """Let everything run that has ended, and `process --watch` beside it."""
        for program in self.programs:
            if not is_alive(program):
                program.kill()
                program.start()
        self.web.wait_until_ready()


def is_alive(program: Program) -> bool:
    return program.is_started and program.process.poll() is None


def beat(directory: Path, env: Mapping[str, str]) -> Program:
    options = ["beat", f"--schedule={directory / 'beat'}", "--pidfile="]
    celery = [sys.executable, "-m", "celery", "--app", CELERY_APP]
    return Program([*celery, *options], directory / "beat.log", env)


def watcher(directory: Path, env: Mapping[str, str]) -> Program:
    process = ["-m", "django", "billing_webhooks", "process", "--watch"]
    return Program([sys.executable, *process], directory / "watcher.log", env)


@contextmanager
def stage(
    directory: Path,
    postgres: PostgreSQL,
    valkey: Valkey,
    *,
    package: Path,
    issuer: str,
    database: str,
    url: str,
    sweep_seconds: float,
    pause_seconds: float,
) -> Iterator[Stage]:
    """Yield the programs, to be started with the billing_webhooks of `package`, and end them."""
    env = {
        "DJANGO_SETTINGS_MODULE": SETTINGS,
        "DATABASE_URL": url,
        "CELERY_BROKER_URL": valkey.url,
        "CHAOS_ISSUER": issuer,
        "CHAOS_PACKAGE": str(package),
        "CHAOS_SWEEP_SECONDS": str(sweep_seconds),
        "CHAOS_PAUSE_SECONDS": str(pause_seconds),
        "CHAOS_FAILURES_IN_100": str(FAILURES_IN_100),
        # The package may be another one than that of the current directory.
        "PYTHONPATH": f"{package.parent}:{ROOT}",
        "PYTHONSAFEPATH": "1",
    }
    built = Stage(
        postgres,
        valkey,
        database,
        Web(directory, env),
        [
            Worker(CELERY_APP, directory, env, ["--concurrency=2"], f"worker{number}")
            for number in range(WORKERS)
        ],
        beat(directory, env),
        watcher(directory, env),
    )
    try:
        yield built
    finally:
        built.kill()


def wait_for_database(postgres: PostgreSQL) -> None:
    """Return when the server takes connections again after it lost a session to SIGKILL."""
    # It takes them for a moment longer, until it has noticed.
    time.sleep(0.1)
    postgres.wait_until_ready()
