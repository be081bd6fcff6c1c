"""A shop as docs/monitoring.md describes it: web processes, a Celery worker, a Prometheus."""

from __future__ import annotations

import re
import sqlite3
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import yaml

from billing_webhooks.testing import KindeIssuer, billabear_body, kinde_event
from tests.catalogue.sending import Request, exchange, post
from tests.conftest import SECRET
from tests.endpoint.deliveries import CUSTOMER
from tests.observing.conftest import TOKEN
from tests.played import clean_environment, run
from tests.servers.celery_worker import Worker
from tests.servers.processes import free_port
from tests.servers.program import ROOT, Program
from tests.servers.prometheus import Prometheus
from tests.servers.valkey import Valkey

DOCS = ROOT / "docs"
RULES = DOCS / "monitoring" / "alerts.yml"
[CONFIGURATION] = re.findall(
    r"^(    rule_files:.*?)^(?! )", (DOCS / "monitoring.md").read_text(), re.MULTILINE | re.DOTALL
)
PAYMENT = "0b1e5c1e-0000-4000-8000-00000000003{}"
STATES = "SELECT state FROM billing_webhooks_webhookevent"


class Shop:
    """Its web processes share a folder of counts, and its worker has another."""

    def __init__(self, folder: Path, issuer: KindeIssuer) -> None:
        self.folder = folder
        self.issuer = issuer
        self.database = folder / "shop.sqlite3"
        self.address = ("127.0.0.1", free_port())
        self.metrics_port = free_port()
        self.broker = Valkey(folder)
        self.environment = {
            **clean_environment(),
            "BILLABEAR_SECRETS": SECRET,
            "CELERY_BROKER_URL": self.broker.url,
            "DATABASE_URL": f"sqlite:///{self.database}",
            "DJANGO_SETTINGS_MODULE": "tests.observing.monitored",
            "KINDE_ISSUER": issuer.url,
            "METRICS_PORT": str(self.metrics_port),
            "METRICS_TOKEN": TOKEN,
            "PYTHONPATH": str(ROOT),
        }
        self.web = self._web()
        self.worker = self._worker()
        self.prometheus = Prometheus(folder, self._configuration())

    @property
    def programs(self) -> list[Program]:
        return [self.broker, self.web, self.worker, self.prometheus]

    def start(self) -> None:
        status, output = run("manage.py", "migrate", env=self.environment, cwd=self.folder)
        assert status == 0, output
        for program in self.programs:
            program.start()
            program.wait_until_ready()

    def stop(self) -> None:
        for program in reversed(self.programs):
            program.stop()

    def states(self) -> Counter[str]:
        with closing(sqlite3.connect(self.database)) as connection:
            return Counter(state for (state,) in connection.execute(STATES))

    def said(self) -> str:
        return "".join(f"--- {each.log.name}\n{each.text()}" for each in self.programs)

    def send_everything(self, number: int) -> list[int]:
        """Return how each provider's deliveries are answered: good ones, and all bad kinds."""
        requests = [*self._of_kinde(number), *self._of_billabear(number)]
        return [exchange(self.address, request).status for request in requests]

    def _of_kinde(self, number: int) -> Iterator[Request]:
        event = kinde_event("customer.agreement_created", {"customer_id": "customer_1"})
        other = {**event, "data": {"customer_id": "customer_2"}}
        stranger = KindeIssuer(kid=self.issuer.kid)
        for token in (
            *map(self.issuer.sign, (event, event, other)),
            self.issuer.sign_bytes(b'{"event_id": "%d", "event_id": "2"}' % number),
            stranger.sign(event),
        ):
            yield post("/webhooks/kinde", token, "Content-Type: application/jwt")

    def _of_billabear(self, number: int) -> Iterator[Request]:
        event = billabear_body("customer_created", customer=CUSTOMER)
        deadly = billabear_body(
            "payment_received", id=PAYMENT.format(number), customer=None, amount=19.99
        )
        for body in (event, deadly, b"[]"):
            yield post(f"/webhooks/billabear/{SECRET}", body)
        yield post("/webhooks/billabear/guessed", event)

    def _web(self) -> Program:
        options = [f"--bind=127.0.0.1:{self.address[1]}", "--workers=2", "--preload"]
        command = [sys.executable, "-m", "gunicorn", *options, "example_project.wsgi"]
        return Web(command, self.folder / "web.log", self._counting_in("web"))

    def _worker(self) -> Program:
        options = ["--concurrency=2", "--beat", f"--schedule={self.folder / 'beat'}"]
        environment = self._counting_in("worker")
        return Worker("tests.observing.worker", self.folder, environment, options)

    def _counting_in(self, name: str) -> dict[str, str]:
        counts = self.folder / f"counts of {name}"
        counts.mkdir()
        return {**self.environment, "PROMETHEUS_MULTIPROC_DIR": str(counts)}

    def _configuration(self) -> Path:
        """Return the page's configuration with the addresses and files of this shop."""
        found: dict[str, Any] = yaml.safe_load(CONFIGURATION)
        token = self.folder / "token"
        token.write_text(TOKEN)
        web, worker = found["scrape_configs"]
        web["scheme"] = "http"
        web["authorization"]["credentials_file"] = str(token)
        for job, port in ((web, self.address[1]), (worker, self.metrics_port)):
            job["static_configs"] = [{"targets": [f"127.0.0.1:{port}"]}]
        every = {"scrape_interval": "2s", "evaluation_interval": "1s"}
        path = self.folder / "prometheus.yml"
        path.write_text(yaml.safe_dump({**found, "global": every, "rule_files": [str(RULES)]}))
        return path


class Web(Program):
    """A gunicorn."""

    def is_ready(self) -> bool:
        return "Booting worker" in self.text()
