"""A server without its database, and the server of Django; tests.catalogue has all the others."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from billing_webhooks.models import WebhookEvent
from billing_webhooks.testing import billabear_body
from tests.catalogue.sending import chunked, exchange, post
from tests.conftest import SECRET

CUSTOMER = {
    "id": "0b1e5c1e-8a4f-4d0e-9a44-6c0b3d6c2f11",
    "email": "customer.one@example.org",
    "brand": "default",
    "is_disabled": False,
}
BODY = billabear_body("customer_created", customer=CUSTOMER)
PATH = f"/webhooks/billabear/{SECRET}"
ROOT = Path(__file__).parent.parent
START_SECONDS = 20
GUNICORN_OPTIONS = ["--bind=127.0.0.1:0", "--access-logfile=-"]


@dataclass(frozen=True)
class Server:
    """A gunicorn of one synchronous worker, without a database."""

    address: tuple[str, int]
    log: Path


@contextmanager
def gunicorn(directory: Path, database_url: str) -> Iterator[Server]:
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "DATABASE_URL": database_url,
        "PYTHONPATH": str(ROOT),
    }
    log = directory / "log"
    application = "django.core.wsgi:get_wsgi_application()"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "gunicorn",
                "--bind=127.0.0.1:0",
                "--access-logfile=-",
                application,
            ],
            env=environment,
            stdout=output,
            stderr=output,
        )
    try:
        yield Server(("127.0.0.1", port_in(log, process)), log)
    finally:
        process.terminate()
        process.wait(START_SECONDS)


def port_in(log: Path, process: subprocess.Popen[bytes]) -> int:
    """Return the port at which a gunicorn says that it listens."""
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        if found := re.search(r"Listening at: http://127\.0\.0\.1:(\d+)", log.read_text()):
            return int(found[1])
        time.sleep(0.05)
    raise RuntimeError(f"gunicorn did not start:\n{log.read_text()}")


def test_database_down__come_again(tmp_path: Path) -> None:
    with socket.socket() as closed:
        # Bound, so that nobody else gets it, but nobody listens.
        closed.bind(("127.0.0.1", 0))
        url = f"postgres://x@127.0.0.1:{closed.getsockname()[1]}/x"
        with gunicorn(tmp_path, url) as server:
            proven = exchange(server.address, post(PATH, BODY))
            unproven = exchange(server.address, post("/webhooks/billabear/wrong", BODY))

    assert (proven.status, proven.body) == (503, b"")
    assert "Retry-After: 30" in proven.headers
    assert unproven.status == 401
    log = server.log.read_text()
    assert "Traceback" not in log
    assert log.count("database_unavailable") == 1


@pytest.mark.django_db(transaction=True)
class TestServerOfDjango:
    """Which cannot tell where a chunked body ends."""

    # A server that is started before there is a test database looks at the wrong one.
    @pytest.fixture
    def address(self, django_db_setup: None, live_server: Any) -> tuple[str, int]:
        return (live_server.thread.host, live_server.thread.port)

    def test_ordinary_request__stored(self, address: tuple[str, int]) -> None:
        with closing(HTTPConnection(*address, timeout=10)) as connection:
            connection.request("POST", PATH, BODY)
            response = connection.getresponse()
            assert (response.status, response.read()) == (200, b"")

        event = WebhookEvent.objects.get()
        assert bytes(event.body) == BODY
        assert json.loads(bytes(event.body)) == event.payload

    def test_chunked__asked_for_a_length(self, address: tuple[str, int]) -> None:
        assert exchange(address, chunked(PATH, [BODY])).status == 411
        assert not WebhookEvent.objects.exists()

    @pytest.mark.parametrize("path", [PATH, f"{PATH}/"])
    def test_get__not_allowed(self, address: tuple[str, int], path: str) -> None:
        with closing(HTTPConnection(*address, timeout=10)) as connection:
            connection.request("GET", path)
            response = connection.getresponse()
            assert (response.status, response.headers["Allow"]) == (405, "POST")
