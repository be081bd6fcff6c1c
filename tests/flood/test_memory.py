"""A thousand large deliveries of somebody who proves nothing, to a real server."""

from __future__ import annotations

import json
import os
import re
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

import pytest

from billing_webhooks.models import WebhookEvent
from billing_webhooks.testing import KindeIssuer
from tests.kinde.deliveries import base64url, compact
from tests.once import on_one_database
from tests.servers.processes import children_of
from tests.servers.program import ROOT, Program

on_one_database()

KIB = 1024
NUMBER = 1000
MOST_GROWTH_KIB = 50 * KIB
PATH = "/webhooks/billabear/not-the-secret"
LARGE = b'{"type":"customer_created","x":"%s"}' % (b"x" * (KIB * KIB - 100))


class Gunicorn(Program):
    """A server of one worker, on SQLite in a directory."""

    def __init__(self, directory: Path, issuer: str) -> None:
        self.database = directory / "events.sqlite3"
        command = [sys.executable, "-m", "gunicorn", "--bind=127.0.0.1:0"]
        environment = {
            "DJANGO_SETTINGS_MODULE": "tests.flood.settings",
            "DATABASE_URL": f"sqlite:///{self.database}",
            "FLOOD_ISSUER": issuer,
            "PYTHONPATH": str(ROOT),
        }
        application = "django.core.wsgi:get_wsgi_application()"
        super().__init__([*command, application], directory / "log", environment)

    def migrate(self) -> None:
        command = [sys.executable, "-m", "django", "migrate", "--verbosity=0"]
        subprocess.run(command, env={**os.environ, **self.env}, cwd=ROOT, check=True)

    def is_ready(self) -> bool:
        return "Listening at" in self.text() and len(children_of(self.process.pid)) == 1

    @property
    def port(self) -> int:
        (port,) = re.findall(r"Listening at: http://127\.0\.0\.1:(\d+)", self.text())
        return int(port)

    def resident_kib(self) -> int:
        """Return the memory that its worker holds."""
        (worker,) = children_of(self.process.pid)
        (size,) = re.findall(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{worker}/status").read_text())
        return int(size)

    def post(self, path: str, body: bytes) -> int:
        with closing(HTTPConnection("127.0.0.1", self.port, timeout=30)) as connection:
            connection.request("POST", path, body)
            return connection.getresponse().status

    def events(self) -> int:
        table = WebhookEvent._meta.db_table
        with closing(sqlite3.connect(self.database)) as connection:
            (number,) = connection.execute(f"SELECT count(*) FROM {table}").fetchone()  # noqa: S608
        return int(number)


@dataclass(frozen=True)
class Flood:
    """What a thousand deliveries were answered, and by how much the worker grew."""

    answers: Counter[int]
    growth_kib: int
    events: int


@pytest.fixture(scope="module")
def issuer() -> Iterator[KindeIssuer]:
    with KindeIssuer() as issuer:
        yield issuer


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, issuer: KindeIssuer) -> Iterator[Gunicorn]:
    server = Gunicorn(tmp_path_factory.mktemp("flood"), issuer.url)
    server.migrate()
    server.start()
    try:
        server.wait_until_ready()
        yield server
    finally:
        server.stop()


def flood(server: Gunicorn, path: str, bodies: Iterator[bytes]) -> Flood:
    # What is imported and laid out by the first few is not what grows.
    for _ in range(20):
        server.post(path, next(bodies))
    before = server.resident_kib()
    answers = Counter(server.post(path, next(bodies)) for _ in range(NUMBER))
    return Flood(answers, server.resident_kib() - before, server.events())


def token(issuer: KindeIssuer, kid: str, key: KindeIssuer) -> bytes:
    """Return a token of 250 KiB that names a key of the issuer's and is signed by another."""
    payload = b'{"x":"%s"}' % (b"x" * (250 * KIB * 3 // 4 - 700))
    return compact({"alg": "RS256", "kid": kid}, payload, key.key)


def named(kid: str) -> bytes:
    return base64url(json.dumps({"alg": "RS256", "kid": kid}).encode())


def test_wrong_secret__a_thousand_of_1_mib(server: Gunicorn) -> None:
    flooded = flood(server, PATH, iter([LARGE] * (NUMBER + 20)))

    assert flooded.answers == {401: NUMBER}
    assert flooded.growth_kib < MOST_GROWTH_KIB
    assert flooded.events == 0


def test_wrong_signature__a_thousand_of_250_kib(server: Gunicorn, issuer: KindeIssuer) -> None:
    body = token(issuer, issuer.kid, KindeIssuer())
    assert 249 * KIB < len(body) < 251 * KIB
    flooded = flood(server, "/webhooks/kinde", iter([body] * (NUMBER + 20)))

    assert flooded.answers == {401: NUMBER}
    assert flooded.growth_kib < MOST_GROWTH_KIB
    assert flooded.events == 0
    assert issuer.requests == 1


def test_unknown_keys__a_thousand_of_250_kib(server: Gunicorn, issuer: KindeIssuer) -> None:
    """Each of another name, and behind them the genuine key still verifies."""
    _, rest = token(issuer, issuer.kid, issuer).split(b".", 1)
    bodies = (named(f"unknown-{number}") + b"." + rest for number in range(NUMBER + 20))
    flooded = flood(server, "/webhooks/kinde", bodies)

    assert flooded.answers == {503: NUMBER}
    assert flooded.growth_kib < MOST_GROWTH_KIB
    assert flooded.events == 0
    # The first set and one more; whatever comes within the cool-down fetches nothing.
    assert issuer.requests <= 2
