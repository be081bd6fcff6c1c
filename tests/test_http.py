"""Over real sockets: what Django's test client cannot say, or would say too politely."""

from __future__ import annotations

import json
import os
import re
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from billing_webhooks.models import WebhookEvent
from billing_webhooks.testing import billabear_body
from tests.conftest import SECRET, basic

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
class Answer:
    status: int
    headers: str
    body: bytes


@dataclass(frozen=True)
class Server:
    """A gunicorn of one synchronous worker; `database` is its SQLite file, if it has one."""

    address: tuple[str, int]
    log: Path
    database: Path

    def send(self, request: bytes) -> Answer:
        return exchange(self.address, request)

    def events(self) -> list[tuple[bytes, str, str]]:
        """Return body, state and last error of the events that are stored, and forget them."""
        table = WebhookEvent._meta.db_table
        with closing(sqlite3.connect(self.database)) as connection, connection:
            rows = connection.execute(f"SELECT body, state, last_error FROM {table}").fetchall()  # noqa: S608
            connection.execute(f"DELETE FROM {table}")  # noqa: S608
        return rows


def exchange(address: tuple[str, int], request: bytes) -> Answer:
    """Send bytes, say that there will be no more, and return the answer."""
    with socket.create_connection(address, timeout=10) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        received = b""
        while chunk := connection.recv(65536):
            received += chunk
    head, _, body = received.partition(b"\r\n\r\n")
    return Answer(int(head.split()[1]), head.decode("latin-1"), body)


def request(path: str, *headers: str, body: bytes = b"") -> bytes:
    head = "\r\n".join([f"POST {path} HTTP/1.1", "Host: 127.0.0.1", *headers, "", ""])
    return head.encode() + body


def chunked(parts: Sequence[bytes], end: bytes = b"0\r\n\r\n") -> bytes:
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + end


def run_django(environment: Mapping[str, str], *arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "django", *arguments], env=environment, check=True)


@contextmanager
def gunicorn(directory: Path, database_url: str) -> Iterator[Server]:
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "DATABASE_URL": database_url,
        "PYTHONPATH": str(ROOT),
    }
    database, log = directory / "events.sqlite3", directory / "log"
    if database_url.startswith("sqlite"):
        run_django(environment, "migrate", "--verbosity=0")
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
        yield Server(("127.0.0.1", port_in(log, process)), log, database)
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


@pytest.fixture(scope="module")
def running_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    directory = tmp_path_factory.mktemp("gunicorn")
    with gunicorn(directory, f"sqlite:///{directory}/events.sqlite3") as server:
        yield server


@pytest.fixture
def server(running_server: Server) -> Server:
    running_server.events()
    return running_server


class TestGunicorn:
    def test_captured_request__stored_byte_for_byte(self, server: Server) -> None:
        """As BillaBear's HTTP client writes it, without a Content-Type."""
        headers = ["User-Agent: GuzzleHttp/7", f"Content-Length: {len(BODY)}"]
        answer = server.send(request(f"/webhooks/billabear/?token={SECRET}", *headers, body=BODY))

        assert (answer.status, answer.body) == (200, b"")
        assert server.events() == [(BODY, "processed", "")]

    def test_userinfo__arrives_as_basic(self, server: Server) -> None:
        headers = [f"Authorization: {basic('billabear', SECRET)}", f"Content-Length: {len(BODY)}"]
        answer = server.send(request("/webhooks/billabear", *headers, body=BODY))

        assert answer.status == 200
        assert server.events() == [(BODY, "processed", "")]

    @pytest.mark.parametrize("size", [1, 7, 1000])
    def test_chunked__stored_complete(self, server: Server, size: int) -> None:
        parts = [BODY[start : start + size] for start in range(0, len(BODY), size)]
        body = chunked(parts)

        assert server.send(request(PATH, "Transfer-Encoding: chunked", body=body)).status == 200
        assert server.events() == [(BODY, "processed", "")]

    @pytest.mark.parametrize(
        "end",
        [b"", b"5\r\nab", b"5", b"zz\r\nab\r\n0\r\n\r\n"],
        ids=["end", "part", "size", "no size"],
    )
    def test_chunked_but_cut_off__not_taken_for_the_whole(self, server: Server, end: bytes) -> None:
        body = chunked([BODY], end)

        assert server.send(request(PATH, "Transfer-Encoding: chunked", body=body)).status == 400
        ((stored, state, error),) = server.events()
        assert state == "quarantined"
        assert BODY.startswith(stored)
        assert "shorter" in error

    def test_chunked_but_cut_off__kinde(self, server: Server) -> None:
        body = chunked([b"a.b.c"], b"")
        answer = server.send(request("/webhooks/kinde", "Transfer-Encoding: chunked", body=body))

        assert answer.status == 400
        assert server.events() == []

    def test_chunked_and_too_large(self, server: Server) -> None:
        body = chunked([b"x" * 1024] * 1024 + [b"x"])

        assert server.send(request(PATH, "Transfer-Encoding: chunked", body=body)).status == 413
        assert server.events() == []

    def test_declared_too_large__refused_unread(self, server: Server) -> None:
        assert server.send(request(PATH, f"Content-Length: {10**12}")).status == 413

    @pytest.mark.parametrize("sent", [b"", BODY[:7], BODY[:-1]], ids=["nothing", "some", "most"])
    def test_shorter_than_declared__billabear_keeps_it(self, server: Server, sent: bytes) -> None:
        answer = server.send(request(PATH, f"Content-Length: {len(BODY)}", body=sent))

        assert answer.status == 400
        assert server.events() == [
            (sent, "quarantined", "The body is shorter than its Content-Length.")
        ]

    def test_shorter_than_declared__kinde_sends_it_again(self, server: Server) -> None:
        answer = server.send(request("/webhooks/kinde", "Content-Length: 100", body=b"a.b.c"))

        assert answer.status == 400
        assert server.events() == []

    def test_no_length_at_all__an_empty_body(self, server: Server) -> None:
        assert server.send(request(PATH)).status == 400
        assert [state for _, state, _ in server.events()] == ["quarantined"]

    def test_no_fault_and_no_secret_in_any_log(self, server: Server) -> None:
        """The server's own access log included, and the user of Basic userinfo in it."""
        length = f"Content-Length: {len(BODY)}"
        for user in ({"user": SECRET}, {"user": "x", "password": SECRET}):
            header = f"Authorization: {basic(**user)}"
            answer = server.send(request("/webhooks/billabear", header, length, body=BODY))
            assert answer.status == 200
        for path in (PATH, f"{PATH}/", f"/webhooks/billabear?token={SECRET}"):
            assert server.send(request(path, length, body=BODY)).status == 200
            assert server.send(request(path, "Content-Length: 2", body=b"[]")).status == 400

        log = server.log.read_text()
        assert log.count('"POST /billabear/.../ HTTP/1.1" 200') >= 3
        assert log.count('"POST /billabear/.../ HTTP/1.1" 400') >= 3
        assert SECRET not in log
        assert "customer.one" not in log
        assert "Traceback" not in log


def test_database_down__come_again(tmp_path: Path) -> None:
    with socket.socket() as closed:
        # Bound, so that nobody else gets it, but nobody listens.
        closed.bind(("127.0.0.1", 0))
        url = f"postgres://x@127.0.0.1:{closed.getsockname()[1]}/x"
        with gunicorn(tmp_path, url) as server:
            length = f"Content-Length: {len(BODY)}"
            proven = server.send(request(PATH, length, body=BODY))
            unproven = server.send(request("/webhooks/billabear/wrong", length, body=BODY))

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
        header = "Transfer-Encoding: chunked"

        assert exchange(address, request(PATH, header, body=chunked([BODY]))).status == 411
        assert not WebhookEvent.objects.exists()

    @pytest.mark.parametrize("path", [PATH, f"{PATH}/"])
    def test_get__not_allowed(self, address: tuple[str, int], path: str) -> None:
        with closing(HTTPConnection(*address, timeout=10)) as connection:
            connection.request("GET", path)
            response = connection.getresponse()
            assert (response.status, response.headers["Allow"]) == (405, "POST")
