"""What the tests of the engine with Celery share: brokers, an app, a look into the queue."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from celery import Celery
from django.db import connection

from billing_webhooks import nudging, publishing
from billing_webhooks.models import WebhookEvent
from tests.celery_engine.deliveries import CUSTOMER
from tests.celery_engine.queues import Broker, taken
from tests.celery_engine.waiting import LONGEST_SECONDS
from tests.conftest import PostBillaBear
from tests.servers.processes import NoServer
from tests.servers.rabbitmq import RabbitMQ, rabbitmq
from tests.servers.valkey import Valkey, valkey

Post = Callable[[], int]
UseBroker = Callable[[str], None]
Environment = dict[str, str]


@pytest.fixture(scope="session")
def _valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    with valkey(tmp_path_factory.mktemp("valkey")) as server:
        yield server


@pytest.fixture
def valkey_server(_valkey: Valkey) -> Valkey:
    """A Valkey with nothing in it."""
    _valkey.flush()
    return _valkey


@pytest.fixture(scope="session")
def _rabbitmq(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RabbitMQ]:
    with ExitStack() as stack:
        try:
            node = stack.enter_context(rabbitmq(tmp_path_factory.mktemp("rabbitmq")))
        except NoServer as error:
            pytest.skip(f"Nothing was tried on RabbitMQ: {error}.")
        yield node


@pytest.fixture
def rabbitmq_node(_rabbitmq: RabbitMQ) -> RabbitMQ:
    """A RabbitMQ with nothing in the queue of wake-ups."""
    taken(_rabbitmq)
    return _rabbitmq


@pytest.fixture(params=["valkey_server", "rabbitmq_node"], ids=["valkey", "rabbitmq"])
def broker(request: pytest.FixtureRequest) -> Broker:
    """Each of the two in turn."""
    server: Broker = request.getfixturevalue(request.param)
    return server


@pytest.fixture
def app(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Celery]:
    """The project's app, as every thread sees it, in a process that has sent nothing yet."""
    for name in ("CELERY_BROKER_URL", "CELERY_BROKER_WRITE_URL"):
        monkeypatch.delenv(name, raising=False)
    settings.BILLING_WEBHOOKS_DISPATCH = "celery"
    monkeypatch.setattr(nudging, "line", nudging.Line())
    with Celery("tests") as app:
        app.set_default()
        yield app
    for bell in list(nudging._bells.values()):
        end(bell)
    for pool in publishing._pools.values():
        pool.connections.force_close_all()
    publishing._pools.clear()


def end(bell: nudging.Bell) -> None:
    """Have a bell say what is left to say, and end."""
    bell.finish()
    nudging._bells.clear()
    bell.ring()
    bell.join(LONGEST_SECONDS)


@pytest.fixture
def use_broker(app: Celery) -> UseBroker:
    def use(url: str) -> None:
        app.conf.update(broker_url=url)

    return use


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the broker is well: wait for it, however busy this machine is."""
    for module, name in ((nudging, "PATIENCE_SECONDS"), (publishing, "SOCKET_SECONDS")):
        monkeypatch.setattr(module, name, 30)


@pytest.fixture
def post(transactional_db: None, app: Celery, post_billabear: PostBillaBear) -> Post:
    """Have BillaBear send an event, and return how it was answered."""
    return lambda: int(post_billabear("customer_created", customer=CUSTOMER).status_code)


@pytest.fixture
def environment(transactional_db: None, valkey_server: Valkey, tmp_path: Path) -> Environment:
    """What a process needs to work on the tests' database, and to be woken by way of Valkey."""
    names = ("ENGINE", "NAME", "USER", "PASSWORD", "HOST", "PORT", "OPTIONS")
    database = {name: connection.settings_dict[name] for name in names}
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tests.celery_engine.settings",
        "TESTS_DATABASE": json.dumps(database),
        "TESTS_BROKER_URL": valkey_server.url,
        "TESTS_SIGNS": str(tmp_path),
    }


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    """Return what the log says about wake-ups, while everybody else logs all they can."""
    caplog.set_level(logging.DEBUG)

    def told() -> list[str]:
        return [
            f"{record.levelname} {record.getMessage()}"
            for record in caplog.records
            if record.name in {"billing_webhooks.nudging", "billing_webhooks.dispatch"}
        ]

    return told


def states() -> list[str]:
    return sorted(WebhookEvent.objects.values_list("state", flat=True))
