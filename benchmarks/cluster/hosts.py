"""The hosts: web servers with addresses of their own, Celery workers, and who sweeps."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import billing_webhooks
from benchmarks.cluster.balancer import Balancer
from tests.chaos.leaving import held
from tests.chaos.servers import DATABASES, Servers
from tests.chaos.stage import CELERY_APP, SETTINGS, Web, beat, watcher
from tests.servers.celery_worker import Worker
from tests.servers.pgbouncer import PgBouncer
from tests.servers.program import Program

# A task takes no new event after twenty.
LEAVING_SECONDS = 60
NOTICED_SECONDS = 1


class Hosts:
    """
    Programs that run side by side, each in a process group of its own.

    A web host has one process of four threads at an address of its own, a worker host a
    pool of one process. `stubborn` are those that did not end when they were told to.
    """

    def __init__(self, directory: Path, env: Mapping[str, str]) -> None:
        self.balancer = Balancer()
        self.webs: list[Web] = []
        self.workers: list[Worker] = []
        self.beat = beat(directory, env)
        self.watcher = watcher(directory, env)
        self.stubborn: list[str] = []
        self._directory = directory
        self._env = env
        self._numbers = count(2)

    def add(self, *, webs: int = 0, workers: int = 0) -> None:
        """Start hosts, and let the balancer know the web hosts when they answer."""
        new_webs = [self._web() for _ in range(webs)]
        new_workers = [self._worker() for _ in range(workers)]
        self.webs += new_webs
        self.workers += new_workers
        _start(*new_webs, *new_workers)
        for web in new_webs:
            self.balancer.add((web.address, web.port))

    def add_both(self) -> None:
        self.add(webs=1, workers=1)

    def _web(self) -> Web:
        address = f"127.0.0.{next(self._numbers)}"
        return Web(self._directory, self._env, address=address, processes=1)

    def _worker(self) -> Worker:
        name = f"worker{next(self._numbers)}"
        return Worker(CELERY_APP, self._directory, self._env, ["--concurrency=1"], name)

    def remove_web(self) -> None:
        """Let the oldest one answer what it has, and then end."""
        web = self.webs.pop(0)
        self.balancer.drain((web.address, web.port))
        self._let_end(web)

    def remove_worker(self) -> None:
        self._let_end(self.workers.pop(0))

    def kill_web(self) -> None:
        """Let the balancer meet a host that refuses, until it has noticed."""
        web = self.webs.pop(0)
        web.kill()
        time.sleep(NOTICED_SECONDS)
        self.balancer.forget((web.address, web.port))

    def kill_worker(self) -> None:
        self.workers.pop(0).kill()

    def start_beat(self) -> None:
        _start(self.beat)

    def kill_beat(self) -> None:
        self.beat.kill()

    def start_watcher(self) -> None:
        _start(self.watcher)

    def remove_watcher(self) -> None:
        self._let_end(self.watcher)

    def kill(self) -> None:
        for program in (*self.webs, *self.workers, self.beat, self.watcher):
            program.kill()

    def _let_end(self, program: Program) -> None:
        program.process.terminate()
        try:
            program.process.wait(LEAVING_SECONDS)
        except subprocess.TimeoutExpired:
            self.stubborn.append(program.log.stem)
        program.kill()


def _start(*programs: Program) -> None:
    with held():
        for program in programs:
            program.start()
    for program in programs:
        program.wait_until_ready()


@dataclass(frozen=True)
class Ground:
    """What all hosts share; a pooler, if there is one, stands between them and PostgreSQL."""

    servers: Servers
    pooler: PgBouncer | None = None

    def url(self) -> str:
        return (self.pooler or self.servers).url(DATABASES[0])


@contextmanager
def hosts(directory: Path, ground: Ground, *, are_receivers: bool) -> Iterator[Hosts]:
    """
    Yield nobody yet, above an empty database, and end whoever came.

    `are_receivers` says whether there are receivers, which count what they are told.
    """
    servers = ground.servers
    servers.renew()
    env = {
        "DJANGO_SETTINGS_MODULE": SETTINGS,
        "DATABASE_URL": ground.url(),
        "CELERY_BROKER_URL": servers.valkey.url,
        "CHAOS_ISSUER": servers.issuer.url,
        # None of them fails, and none is slow.
        "CHAOS_PAUSE_SECONDS": "0",
        "CHAOS_FAILURES_IN_100": "0",
    }
    if are_receivers:
        env["CHAOS_PACKAGE"] = str(Path(billing_webhooks.__file__).parent)
    directory.mkdir()
    there = Hosts(directory, env)
    try:
        yield there
    finally:
        there.kill()
