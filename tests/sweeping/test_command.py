"""`manage.py billing_webhooks process`, in a process of its own: it is told to stop, and stops."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from io import StringIO
from pathlib import Path
from threading import Thread

import pytest
from django.core.management import CommandError, call_command

from billing_webhooks.models import WebhookEvent
from tests.once import once
from tests.servers.postgres import PostgreSQL, postgres
from tests.servers.processes import NoServer
from tests.servers.program import ROOT
from tests.sweeping.conftest import Command, database_url, states, sweeps

pytestmark = pytest.mark.django_db(transaction=True)

Start = Callable[..., Command]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
@once
class TestSignals:
    """The first one ends it when the event is done, the second one at once."""

    def test_idle__ends_soon(self, command: Start, number: int) -> None:
        watch = command("process", "--watch", "--every", "60")
        watch.wait_for(sweeps)
        watch.process.send_signal(number)
        assert watch.process.wait(5) == 0
        assert watch.text() == "Worked off 0 events.\n"

    def test_working__ends_the_event_and_leaves_the_rest(
        self, command: Start, two_events: None, number: int
    ) -> None:
        watch = command("process", "--watch", seconds=1)
        watch.wait_for(lambda: watch.noted() == ["began"])
        watch.process.send_signal(number)
        assert watch.process.wait(10) == 0
        assert watch.noted() == ["began", "ended"]
        assert watch.text() == "Worked off 1 events.\n"
        assert states() == ["processed", "pending"]

    def test_working__without_watch_too(
        self, command: Start, two_events: None, number: int
    ) -> None:
        once = command("process", seconds=1)
        once.wait_for(lambda: once.noted() == ["began"])
        once.process.send_signal(number)
        assert once.process.wait(10) == 0
        assert states() == ["processed", "pending"]

    def test_second__ends_it_at_once(self, command: Start, two_events: None, number: int) -> None:
        watch = command("process", "--watch", seconds=60)
        watch.wait_for(lambda: watch.noted() == ["began"])
        watch.process.send_signal(number)
        time.sleep(0.2)
        assert watch.process.poll() is None
        watch.process.send_signal(number)

        status = watch.process.wait(5)
        assert status == (130 if number == signal.SIGINT else -signal.SIGTERM)
        assert "Traceback" not in watch.text()
        assert watch.noted() == ["began"]
        assert states() == ["pending", "pending"]


def test_killed__its_event_is_worked_by_the_next(command: Start, two_events: None) -> None:
    watch = command("process", "--watch", seconds=60)
    watch.wait_for(lambda: watch.noted() == ["began"])
    watch.kill()
    other = command("process", "--watch", "--every", "0.1")
    other.wait_for(lambda: states() == ["processed", "processed"])
    assert WebhookEvent.objects.order_by("received_at")[0].attempts == 2


def test_watch__works_what_comes(command: Start, request: pytest.FixtureRequest) -> None:
    watch = command("process", "--watch", "--every", "0.1")
    watch.wait_for(sweeps)
    request.getfixturevalue("two_events")
    watch.wait_for(lambda: states() == ["processed", "processed"])


def test_watch__limit_ends_it(command: Start, two_events: None) -> None:
    watch = command("process", "--watch", "--limit", "1")
    assert watch.process.wait(10) == 0
    assert watch.text() == "Worked off 1 events.\n"


def test_watch__waits_for_a_database_that_is_away(command: Start) -> None:
    with started() as server:
        django(server.url, "migrate", "--verbosity", "0")
        watch = command("process", "--watch", "--every", "0.1", url=server.url)
        time.sleep(1)
        server.stop()
        watch.wait_for(lambda: "The sweep failed with OperationalError" in watch.text())
        server.start()
        server.wait_until_ready()
        django(server.url, "shell", "-c", POST)
        watch.wait_for(lambda: watch.noted() == ["began", "ended"])
        watch.process.terminate()
        assert watch.process.wait(10) == 0
        assert watch.text().endswith("Worked off 1 events.\n")


@contextmanager
def started() -> Iterator[PostgreSQL]:
    with ExitStack() as stack:
        # Not in tmp_path: the server's own user may not look into that.
        directory = stack.enter_context(tempfile.TemporaryDirectory(prefix="postgres-"))
        try:
            server = stack.enter_context(postgres(Path(directory).resolve()))
        except NoServer as error:
            pytest.skip(str(error))
        yield server


POST = """
from django.test import Client
from billing_webhooks.testing import billabear_body
body = billabear_body("customer_created", customer={"id": "0b1e5c1e-0000-4000-8000-000000000001"})
url = "/webhooks/billabear?token=a-secret-for-the-tests"
assert Client().post(url, body, content_type="text/plain").status_code == 200
"""


def django(url: str, *arguments: str) -> None:
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tests.sweeping.watched.settings",
        "DATABASE_URL": url,
    }
    command = [sys.executable, "-m", "django", *arguments]
    subprocess.run(command, env=environment, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


@once
def test_terminal__shows_a_bar_that_is_rewritten(two_events: None) -> None:
    ours, theirs = pty.openpty()
    environment = {**os.environ, "DATABASE_URL": database_url()}
    with subprocess.Popen(
        [sys.executable, "-m", "django", "billing_webhooks", "replay", "--state", "pending"],
        env=environment | {"DJANGO_SETTINGS_MODULE": "tests.settings"},
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=theirs,
    ) as process:
        out, _ = process.communicate(timeout=30)
    os.close(theirs)
    shown = os.read(ours, 10_000).decode()
    os.close(ours)

    assert process.returncode == 0
    assert out == b"Replayed 2 events: 2 processed.\n"
    assert shown.endswith("\r[####################] 3 of 3\r\n")
    assert shown.count("\n") == 1


@once
def test_thread__that_is_not_the_main_one_may_call_it(two_events: None) -> None:
    said: list[str] = []

    def call() -> None:
        from django.db import connections

        out = StringIO()
        call_command("billing_webhooks", "process", stdout=out)
        said.append(out.getvalue())
        connections.close_all()

    thread = Thread(target=call)
    thread.start()
    thread.join()
    assert said == ["Worked off 2 events.\n"]


@once
def test_handlers__are_put_back(two_events: None) -> None:
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    call_command("billing_webhooks", "process", stdout=StringIO())
    assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before


@pytest.mark.parametrize(
    "options",
    ["--every=0", "--every=soon", "--every=nan", "--every=1e9", "--limit=0", "--limit=-1"],
)
def test_wrong_input__is_told(options: str) -> None:
    with pytest.raises(CommandError, match="must be a"):
        call_command("billing_webhooks", "process", options)


def test_once_and_watch__exclude_each_other() -> None:
    with pytest.raises(CommandError, match="not allowed with"):
        call_command("billing_webhooks", "process", "--once", "--watch")


def test_django_options__may_stand_at_the_end(two_events: None) -> None:
    out = StringIO()
    call_command("billing_webhooks", "process", "--no-color", "--traceback", stdout=out)
    assert out.getvalue() == "Worked off 2 events.\n"
