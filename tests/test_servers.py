"""The servers of the tests do what is asked of them, and leave nothing behind."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from celery import Celery

from tests.once import on_one_database
from tests.servers.celery_worker import Worker
from tests.servers.processes import NoServer
from tests.servers.program import ROOT
from tests.servers.rabbitmq import RabbitMQ, rabbitmq
from tests.servers.valkey import Valkey, valkey

on_one_database()

# A shell that starts a command beside itself.
BESIDE = ("/bin/sh", "-c", '"$@" & wait', "sh")
TESTS = """
import sys, time
from pathlib import Path
from tests.servers.valkey import Valkey
server = Valkey(Path(sys.argv[1]))
server.start()
server.wait_until_ready()
print(server.port, flush=True)
time.sleep(60)
"""
APP = """
from pathlib import Path
from celery import Celery
app = Celery()
@app.task(name="touch")
def touch(path):
    Path(path).touch()
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Valkey]:
    with valkey(tmp_path) as server:
        yield server


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RabbitMQ]:
    try:
        with rabbitmq(tmp_path_factory.mktemp("rabbitmq")) as node:
            yield node
    except NoServer as error:
        pytest.skip(f"Nothing was tried on RabbitMQ: {error}.")


def wait_for(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 10
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.05)
    return condition()


def is_refused(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) != 0


def test_valkey__killed__comes_back_empty(server: Valkey) -> None:
    assert server.ask("SET a 1") == "+OK"
    server.kill()
    assert is_refused(server.port)
    server.start()
    server.wait_until_ready()
    assert server.ask("DBSIZE") == ":0"


def test_valkey__flushed__is_empty(server: Valkey) -> None:
    server.ask("SET a 1")
    server.flush()
    assert server.ask("DBSIZE") == ":0"


def test_valkey__frozen__accepts_and_does_not_answer(server: Valkey) -> None:
    server.freeze()
    with pytest.raises(TimeoutError):
        server.ask("PING")
    server.thaw()
    assert server.ask("PING") == "+PONG"


def test_valkey__stopped_while_frozen__ends(server: Valkey) -> None:
    server.freeze()
    server.stop()
    assert is_refused(server.port)


def test_program__killed__takes_along_what_it_has_started(tmp_path: Path) -> None:
    server = Valkey(tmp_path)
    server.command = [*BESIDE, *server.command]
    server.start()
    server.wait_until_ready()
    server.kill()
    assert wait_for(lambda: is_refused(server.port))


def test_program__tests_killed__ends_too(tmp_path: Path) -> None:
    command = [sys.executable, "-c", TESTS, str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as tests:
        assert tests.stdout is not None
        port = int(tests.stdout.readline())
        assert not is_refused(port)
        tests.kill()
    assert wait_for(lambda: is_refused(port))


def test_worker__killed__works_again_and_stops(server: Valkey, tmp_path: Path) -> None:
    (tmp_path / "written.py").write_text(APP)
    env = {"CELERY_BROKER_URL": server.url, "PYTHONPATH": str(tmp_path)}
    worker = Worker("written", tmp_path, env, ["--concurrency", "1"])
    worker.start()
    worker.wait_until_ready()
    worker.kill()
    with Celery(broker=server.url, set_as_current=False) as app, app.connection() as connection:
        app.send_task("touch", [str(tmp_path / "touched")], connection=connection)
    worker.start()
    worker.wait_until_ready()
    assert wait_for((tmp_path / "touched").exists), worker.text()
    worker.stop()
    assert "Warm shutdown" in worker.text()


def test_rabbitmq__frozen__accepts_and_does_not_answer(node: RabbitMQ) -> None:
    node.freeze()
    with pytest.raises(TimeoutError):
        node.greet()
    node.thaw()
    assert node.is_ready()


def test_rabbitmq__alarm__is_raised_and_cleared(node: RabbitMQ) -> None:
    node.alarm()
    assert "memory" in node.control("eval", "rabbit_alarm:get_alarms().")
    node.clear_alarm()
    assert node.control("eval", "rabbit_alarm:get_alarms().").strip() == "[]"


def test_rabbitmq__killed_and_stopped__starts_again(node: RabbitMQ) -> None:
    node.kill()
    assert is_refused(node.port)
    node.stop()
    assert is_refused(node.names_port)
    node.start()
    node.wait_until_ready()
