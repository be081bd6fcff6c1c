"""What the tests of sweeps share: a command in a process of its own."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from billing_webhooks.models import Heartbeat, WebhookEvent
from tests.conftest import PostBillaBear
from tests.servers.program import Program
from tests.waiting import until

ADA = {"id": "0b1e5c1e-0000-4000-8000-000000000001", "email": "ada@example.org"}


class Command(Program):
    """`manage.py billing_webhooks …` on the tests' database, or on that of `url`."""

    def __init__(self, directory: Path, *arguments: str, seconds: float, url: str = "") -> None:
        self.file = directory / "file"
        self.file.touch()
        super().__init__(
            [sys.executable, "-m", "django", "billing_webhooks", *arguments],
            directory / "log",
            {
                "DJANGO_SETTINGS_MODULE": "tests.sweeping.watched.settings",
                "DATABASE_URL": url or database_url(),
                "SECONDS": str(seconds),
                "FILE": str(self.file),
            },
        )

    def noted(self) -> list[str]:
        """Return what the receiver has noted, in order."""
        return self.file.read_text().splitlines()

    def wait_for(self, happened: Callable[[], bool]) -> None:
        def look() -> None:
            assert self.is_ready(), self.text()

        until(happened, look)


def database_url() -> str:
    """Return the DATABASE_URL of the database that this test uses."""
    config = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{config['NAME']}"
    scheme = {"postgresql": "postgres"}.get(connection.vendor, connection.vendor)
    user = f"{config['USER']}:{config['PASSWORD']}"
    return f"{scheme}://{user}@{config['HOST']}:{config['PORT']}/{config['NAME']}"


@pytest.fixture
def command(tmp_path: Path) -> Iterator[Callable[..., Command]]:
    """Start the command; what is left of it is ended with the test."""
    started: list[Command] = []

    def start(*arguments: str, seconds: float = 0, url: str = "") -> Command:
        program = Command(tmp_path, *arguments, seconds=seconds, url=url)
        started.append(program)
        program.start()
        return program

    yield start
    for program in started:
        program.kill()


@pytest.fixture
def two_events(settings: Any, post_billabear: PostBillaBear) -> None:
    settings.BILLING_WEBHOOKS_DISPATCH = "deferred"
    for _ in range(2):
        post_billabear("customer_created", customer=ADA)


def sweeps() -> bool:
    """Return whether a sweep has been run."""
    return Heartbeat.objects.exists()


def states() -> list[str]:
    return list(WebhookEvent.objects.order_by("received_at").values_list("state", flat=True))
