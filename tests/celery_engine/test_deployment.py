"""The example project, run as its Procfiles and unit files say."""

from __future__ import annotations

import shutil
import socket
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from billing_webhooks.testing import KindeIssuer
from example_project.demonstration import billabear, kinde
from example_project.demonstration.calendar import Calendar
from example_project.demonstration.deliveries import History
from tests.celery_engine.deployment import (
    BIN,
    DEPLOY,
    UNITS,
    end,
    here,
    of_procfile,
    of_unit,
)
from tests.celery_engine.queues import Broker, everything_in, taken
from tests.celery_engine.waiting import LONGEST_SECONDS, wait_for
from tests.once import on_one_database
from tests.servers.processes import free_port
from tests.servers.program import Program

on_one_database()

SECRET = "a-secret-for-the-tests"
FROM_OUTSIDE = (
    "ALLOWED_HOSTS",
    "CELERY_BROKER_URL",
    "DEBUG",
    "DJANGO_SETTINGS_MODULE",
    "KINDE_JWKS_URL",
    "SECRET_KEY",
)
MANAGE = (sys.executable, "example_project/manage.py")


class Shop:
    """The example project with a database, an address and processes of its own."""

    def __init__(self, directory: Path, issuer: KindeIssuer) -> None:
        self.directory = directory
        self.database = directory / "shop.sqlite3"
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self.env = {
            "PATH": f"{BIN}:/usr/bin:/bin",
            "PORT": str(self.port),
            "TMPDIR": str(directory),
            "DATABASE_URL": f"sqlite:///{self.database}",
            "KINDE_ISSUER": issuer.url,
            "BILLABEAR_SECRETS": SECRET,
        }
        self.programs: list[Program] = []
        now = datetime.now(UTC)
        calendar = Calendar(now)
        self.histories = [
            kinde.history(issuer, calendar, signed_at=now),
            billabear.history(SECRET, calendar),
        ]

    def run(self, name: str, command: Sequence[str]) -> Program:
        program = Program(command, self.directory / f"{name}.log", self.env)
        self.programs.append(program)
        program.start()
        return program

    def serve(self, command: Sequence[str]) -> Program:
        web = self.run("web", command)
        wait_for(lambda: "Booting worker" in web.text(), web.text)
        return web

    def manage(self, *arguments: str) -> str:
        program = self.run(arguments[-1], [*MANAGE, *arguments])
        assert program.process.wait(LONGEST_SECONDS) == 0, program.text()
        return program.text()

    def states(self) -> Counter[str]:
        query = "SELECT state FROM billing_webhooks_webhookevent"
        with closing(sqlite3.connect(self.database)) as connection:
            return Counter(state for (state,) in connection.execute(query))

    def signs(self) -> set[str]:
        """Return of what there is a sign that it has run."""
        with closing(sqlite3.connect(self.database)) as connection:
            rows = connection.execute("SELECT name FROM billing_webhooks_heartbeat")
            return {name for (name,) in rows}

    def warnings(self) -> list[str]:
        """Return the lines about wake-ups that failed."""
        return [line for line in self.said().splitlines() if "No worker was woken" in line]

    def said(self) -> str:
        return "".join(f"--- {each.log.name}\n{each.text()}" for each in self.programs)


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    for name in FROM_OUTSIDE:
        monkeypatch.delenv(name, raising=False)
    with KindeIssuer() as issuer:
        shop = Shop(tmp_path, issuer)
        try:
            shop.manage("migrate")
            yield shop
        finally:
            for program in shop.programs:
                program.kill()


def send(shop: Shop, history: History) -> int:
    """Send everything, assert that it is answered as it must be, return how much is processed."""
    answers = [delivery.send(shop.address) for delivery in history.deliveries]
    assert answers == [delivery.status for delivery in history.deliveries], shop.said()
    return sum(delivery.is_new and delivery.status == 200 for delivery in history.deliveries)


def commands_of_units(directory: Path) -> dict[str, list[str]]:
    """Return those of the units, and a web server that forks after it has loaded the project."""
    (shell, option, web) = of_procfile(DEPLOY / "Procfile")["web"]
    return {
        "web": [shell, option, f"{web} --preload"],
        "worker": of_unit(DEPLOY / "billing-webhooks-worker.service", directory),
        "beat": of_unit(DEPLOY / "billing-webhooks-beat.service", directory),
    }


@pytest.mark.parametrize(
    ("broker", "is_by_units"),
    [("valkey_server", False), ("rabbitmq_node", True)],
    ids=["Procfile and valkey", "units and rabbitmq"],
    indirect=["broker"],
)
def test_celery__from_the_delivery_to_the_heartbeat(
    broker: Broker, is_by_units: bool, shop: Shop, tmp_path: Path
) -> None:
    shop.env["CELERY_BROKER_URL"] = broker.url
    commands = commands_of_units(tmp_path) if is_by_units else of_procfile(DEPLOY / "Procfile")
    first, second = shop.histories

    # Without a worker, all is stored, and the queue holds nothing that is anybody's business.
    web = shop.serve(commands["web"])
    number = send(shop, first)
    assert shop.states() == {"pending": number}
    lying = "".join(everything_in(message) for message in taken(broker))
    assert "billing_webhooks.work_due" in lying
    assert "@" not in lying.replace(f"@{socket.gethostname()}", "")

    # A worker is woken for what comes now, and works what came before, too.
    worker = shop.run("worker", commands["worker"])
    wait_for(lambda: " ready." in worker.text(), worker.text)
    number += send(shop, second)
    wait_for(lambda: shop.states()["processed"] == number, shop.said)
    assert shop.signs() == {"worker"}

    # The beat lets it sweep.
    beat = shop.run("beat", commands["beat"])
    wait_for(lambda: shop.signs() == {"worker", "sweep"}, shop.said)
    assert "0 due, 0 pending, 0 dead, 1 in quarantine" in shop.manage("billing_webhooks", "health")
    assert [end(beat), end(worker), end(web)] == [0, 0, 0]
    assert shop.warnings() == []


def test_without_celery__the_request_works_and_the_process_sweeps(shop: Shop) -> None:
    commands = of_procfile(DEPLOY / "Procfile.without-celery")
    assert of_unit(DEPLOY / "billing-webhooks-process.service", shop.directory)[1:] == [
        "example_project/manage.py",
        "billing_webhooks",
        "process",
        "--watch",
    ]
    web = shop.serve(commands["web"])
    process = shop.run("process", commands["process"])
    number = sum(send(shop, history) for history in shop.histories)
    wait_for(lambda: shop.states()["processed"] == number, shop.said)
    wait_for(lambda: shop.signs() == {"sweep"}, shop.said)
    assert [end(process), end(web)] == [0, 0]


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.stem)
def test_unit__is_understood_by_systemd(path: Path, tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("There is no systemd-analyze to look at the unit files.")
    (tmp_path / path.name).write_text(here(path, tmp_path))
    verify = ["systemd-analyze", "verify", "--man=no", str(tmp_path / path.name)]
    ended = subprocess.run(verify, capture_output=True, text=True, check=False)
    assert path.name not in ended.stderr
    assert ended.returncode == 0, ended.stderr
