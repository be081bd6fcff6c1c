"""What a whole process has or has not: packages, an app, threads, children."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
from redis import Redis

from tests.celery_engine.brokers import Silent
from tests.celery_engine.conftest import Environment, states
from tests.celery_engine.queues import Broker, woken
from tests.once import on_one_database
from tests.servers.program import ROOT
from tests.servers.rabbitmq import RabbitMQ
from tests.servers.valkey import Valkey

on_one_database()

APP = """
import tests.celery_engine.project
"""
WITHOUT_CELERY = """
import sys
sys.modules["celery"] = sys.modules["kombu"] = None
"""
WITHOUT_REDIS = """
import sys
sys.modules["redis"] = None
"""
TOUCHED_BEFORE = """
import celery
celery.current_app.conf
"""
DJANGO = """
import django
django.setup()
"""
CHECK = """
from django.core.checks import run_checks
print(*(message.id for message in run_checks()))
"""
REQUESTS = """
import logging
logging.basicConfig(format="%(levelname)s %(name)s: %(message)s")
from django.test import Client
from billing_webhooks.testing import billabear_body
from tests.celery_engine.deliveries import CUSTOMER
from tests.conftest import SECRET, basic
body = billabear_body("customer_created", customer=CUSTOMER)
headers = {"Authorization": basic(SECRET)}
for _ in range(4):
    answer = Client().post("/webhooks/billabear", body, "text/plain", headers=headers)
    print(answer.status_code)
"""
IN_A_THREAD = """
from threading import Thread
thread = Thread(target=lambda: exec(requests))
thread.start()
thread.join()
"""
"""Four requests that a thread of the web server answers."""


WAKE = """
import os, time
from billing_webhooks import nudging, publishing
nudging.PATIENCE_SECONDS = publishing.SOCKET_SECONDS = nudging.PAUSE_SECONDS = 30
nudging.nudge("kinde:1")
"""
IN_THE_PAUSE = """
while nudging._bells[os.getpid()]._is_busy:
    time.sleep(0.01)
nudging.nudge("kinde:1")
"""


def run(*parts: str, env: Environment) -> tuple[list[str], list[str]]:
    """Return the lines that a script of these parts writes, and those of its log."""
    ended = subprocess.run(
        [sys.executable, "-c", "".join(parts)],
        env=env,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.splitlines(), ended.stderr.splitlines()


def in_a_thread(part: str) -> str:
    return f"requests = {part!r}{IN_A_THREAD}"


@pytest.mark.parametrize(
    ("parts", "error"),
    [
        ([WITHOUT_CELERY], "ModuleNotFoundError"),
        # kombu finds it missing in a place that depends on kombu's version.
        ([WITHOUT_REDIS, APP], "(Import|Attribute)Error"),
        ([], "NoCeleryApp"),
    ],
    ids=["no celery", "no redis", "no app"],
)
def test_request__without_what_it_takes_to_wake_somebody(
    parts: list[str], error: str, environment: Environment
) -> None:
    answers, log = run(*parts, DJANGO, REQUESTS, env=environment)
    assert answers == ["200"] * 4
    assert states() == ["pending"] * 4
    assert len(log) == 1, log
    assert re.match(rf"WARNING billing_webhooks.nudging: No worker was woken \({error}\)", log[0])


@pytest.mark.parametrize(
    ("parts", "told"),
    [
        ([APP], ""),
        ([WITHOUT_CELERY], "billing_webhooks.W006"),
        ([], "billing_webhooks.W007"),
        ([TOUCHED_BEFORE, APP], "billing_webhooks.W007"),
        ([WITHOUT_REDIS, APP], "billing_webhooks.W008"),
    ],
    ids=["app", "no celery", "no app", "app not in every thread", "no redis"],
)
def test_check__tells_what_is_missing(
    parts: list[str], told: str, environment: Environment
) -> None:
    assert run(*parts, DJANGO, CHECK, env=environment)[0] == [told]


def test_check__finds_an_app_that_only_the_environment_configures(
    environment: Environment,
) -> None:
    environment = {**environment, "CELERY_BROKER_URL": environment["TESTS_BROKER_URL"]}
    assert run(DJANGO, CHECK, env=environment)[0] == [""]


def test_thread__of_the_web_server_finds_the_app(
    valkey_server: Valkey, environment: Environment
) -> None:
    answers, log = run(APP, DJANGO, in_a_thread(REQUESTS), env=environment)
    assert answers == ["200"] * 4
    assert log == []
    assert woken(valkey_server) > 0


@pytest.mark.parametrize(
    ("part", "wake_ups"), [("", 1), (IN_THE_PAUSE, 2)], ids=["at once", "in the pause"]
)
def test_exit__right_after_the_last_wake_up_sends_it(
    part: str, wake_ups: int, valkey_server: Valkey, environment: Environment
) -> None:
    _, log = run(APP, DJANGO, WAKE, part, env=environment)
    assert log == []
    assert woken(valkey_server) == wake_ups


def test_exit__does_not_wait_long_for_a_silent_broker(environment: Environment) -> None:
    with Silent() as server:
        environment = {**environment, "TESTS_BROKER_URL": f"redis://127.0.0.1:{server.port}/0"}
        # That it comes to an end at all is what is asked.
        run(APP, DJANGO, "from billing_webhooks.nudging import nudge; nudge('')", env=environment)
        assert server.guests == 1


IMPORTED = """
import sys
print("celery" in sys.modules, "billing_webhooks.publishing" in sys.modules)
"""


@pytest.mark.parametrize(
    ("settings", "imported"),
    [("tests.celery_engine.settings", "True True"), ("tests.settings", "False False")],
    ids=["celery", "inline"],
)
def test_start__imports_celery_before_the_first_request_if_it_is_used(
    settings: str, imported: str, environment: Environment
) -> None:
    environment = {**environment, "DJANGO_SETTINGS_MODULE": settings}
    assert run(DJANGO, IMPORTED, env=environment)[0] == [imported]


FORK = """
import os, sys, time
from billing_webhooks import nudging, publishing
nudging.PATIENCE_SECONDS = publishing.SOCKET_SECONDS = 30
reader, writer = os.pipe()
nudging.nudge("kinde:1")
while not {"kombu.transport.pyamqp", "kombu.transport.redis"} & sys.modules.keys():
    time.sleep(0.0001)
is_parent = os.fork() > 0 and os.fork() > 0
for _ in range(20):
    nudging.nudge("kinde:1")
nudging._bells[os.getpid()].finish()
os.write(writer, b".")
if is_parent:
    for _ in range(3):
        os.read(reader, 1)
    print("done", flush=True)
sys.stdin.read()
os._exit(0)
"""
"""A parent, forked amid its first message, and two children; all stay until their input ends."""


def connections_of(broker: Broker) -> int:
    if isinstance(broker, RabbitMQ):
        return len(broker.control("list_connections", "pid", "--no-table-headers").splitlines())
    with Redis.from_url(broker.url) as client:
        return len(client.client_list()) - 1


def test_fork__gives_each_process_connections_of_its_own(
    broker: Broker, environment: Environment
) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", APP + DJANGO + FORK],
        env={**environment, "TESTS_BROKER_URL": broker.url},
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as family:
        assert family.stdout is not None
        assert family.stdout.readline() == "done\n"
        connected = connections_of(broker)
        _, log = family.communicate()
    assert log == ""
    assert connected >= 3
    assert woken(broker) >= 3
