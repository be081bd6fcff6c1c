"""What several processes have counted is one scrape."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from billing_webhooks.testing import billabear_body
from tests.catalogue.sending import Answer, Request, exchange, post
from tests.conftest import SECRET
from tests.endpoint.deliveries import CUSTOMER
from tests.observing.conftest import TOKEN, Scraped
from tests.once import on_one_database
from tests.played import clean_environment, run
from tests.servers.processes import free_port
from tests.servers.program import Program

on_one_database()

EVENTS = 20
OF_ONE = {"provider": "billabear", "type": "customer_created"}


class Site(Program):
    """The example project in a gunicorn of several workers, on a database of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.metrics = folder / "metrics"
        self.metrics.mkdir()
        self.address = ("127.0.0.1", free_port())
        environment = {
            **clean_environment(),
            "BILLABEAR_SECRETS": SECRET,
            "DATABASE_URL": f"sqlite:///{folder / 'site.sqlite3'}",
            "DJANGO_SETTINGS_MODULE": "tests.observing.deferred",
            "METRICS_TOKEN": TOKEN,
            "PROMETHEUS_MULTIPROC_DIR": str(self.metrics),
            "PYTHONPATH": str(Path(__file__).parents[2]),
        }
        bind = f"--bind=127.0.0.1:{self.address[1]}"
        application = "django.core.wsgi:get_wsgi_application()"
        command = [sys.executable, "-m", "gunicorn", "--workers=3", bind, application]
        super().__init__(command, folder / "log", environment)

    def manage(self, *arguments: str) -> None:
        status, output = run("manage.py", *arguments, env=self.env, cwd=self.folder)
        assert status == 0, output

    def is_ready(self) -> bool:
        # A worker that was killed may hold the socket of before for a moment longer.
        return "Booting worker" in self.text()

    def send(self, request: Request) -> Answer:
        return exchange(self.address, request)

    def scrape(self) -> Scraped:
        head = f"GET /metrics/ HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n"
        answer = self.send(Request(f"{head}Connection: close\r\n\r\n".encode()))
        assert answer.status == 200, self.text()
        return Scraped.of(answer.body.decode())

    def who_has_counted(self) -> set[str]:
        return {path.stem for path in self.metrics.glob("counter_*.db")}


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    site = Site(tmp_path)
    site.manage("migrate", "--verbosity=0")
    site.start()
    try:
        site.wait_until_ready()
        yield site
    finally:
        site.stop()


def test_many_processes__one_scrape_of_all(site: Site) -> None:
    event = post(
        f"/webhooks/billabear/{SECRET}", billabear_body("customer_created", customer=CUSTOMER)
    )
    with ThreadPoolExecutor(8) as senders:
        answers = list(senders.map(site.send, [event] * EVENTS))
    assert {answer.status for answer in answers} == {200}
    found = site.scrape()
    assert found("received_total", **OF_ONE) == EVENTS
    assert found("accept_seconds_count", provider="billabear") == EVENTS
    assert found("events", provider="billabear", state="pending") == EVENTS
    assert "pid" not in {name for _, labels in found.samples for name, _ in labels}

    # What a process of another kind works off, and what those that were killed have counted.
    site.manage("billing_webhooks", "process")
    site.kill()
    site.start()
    site.wait_until_ready()

    found = site.scrape()
    assert len(site.who_has_counted()) > 2
    assert found("received_total", **OF_ONE) == EVENTS
    assert found("processed_total", **OF_ONE, outcome="applied") == 1
    assert found("attempts_total", provider="billabear", result="processed") == EVENTS
