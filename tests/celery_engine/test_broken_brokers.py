"""A broker that is no good costs one line in the log, and no request."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest
from celery import Celery

from billing_webhooks import nudging, publishing
from billing_webhooks.sweeping import sweep
from tests.celery_engine.brokers import Silent, Trickling
from tests.celery_engine.conftest import Post, UseBroker, states
from tests.celery_engine.queues import Broker, await_wake_up, woken
from tests.celery_engine.waiting import wait_for
from tests.once import on_one_database
from tests.servers.processes import free_port
from tests.servers.rabbitmq import RabbitMQ
from tests.servers.valkey import Valkey

on_one_database()

Told = Callable[[], list[str]]

PASSWORD = "never-in-a-log"
# Enough that Valkey refuses to write, and not so much that it cannot answer.
FULL = "1mb"


def line_of(error: str) -> str:
    return (
        f"WARNING No worker was woken ({error}). The next try is in 30 s; the sweep works off "
        "what is due."
    )


def bells() -> list[threading.Thread]:
    return [each for each in threading.enumerate() if isinstance(each, nudging.Bell)]


def ring_until_told(post: Post, told: Told, lines: int = 1) -> None:
    """Post until the log says that nobody was woken: the request is not kept for it."""

    def is_told() -> bool:
        assert post() == 200
        return len(told()) >= lines

    wait_for(is_told)


def assert_harmless(post: Post, told: Told, caplog: pytest.LogCaptureFixture, error: str) -> None:
    """
    Assert that requests go on, and that one alone has tried to wake somebody.

    Each that tries leaves a line, or a message in a queue.
    """
    ring_until_told(post, told)
    assert [post() for _ in range(4)] == [200] * 4
    assert set(states()) == {"pending"}
    assert told() == [line_of(error)]
    assert PASSWORD not in caplog.text

    assert sweep() == len(states())
    assert set(states()) == {"processed"}


@pytest.mark.parametrize(
    ("url", "error"),
    [
        ("redis://:{password}@127.0.0.1:{closed}/0", "OperationalError"),
        ("amqp://one:{password}@127.0.0.1:{closed}//", "OperationalError"),
        ("redis://:{password}@127.0.0.1:{closed}/0;redis://127.0.0.1:{closed}", "OperationalError"),
        ("redis://:{password}@127.0.0.1:no-port/0", "ValueError"),
        ("amqp://one:{password}@127.0.0.1:no-port//", "ValueError"),
        ("pigeon://:{password}@127.0.0.1/0", "KeyError"),
    ],
    ids=["refused", "refused amqp", "all refused", "nonsense", "nonsense amqp", "unknown"],
)
def test_url__that_leads_nowhere(
    url: str,
    error: str,
    use_broker: UseBroker,
    post: Post,
    told: Told,
    caplog: pytest.LogCaptureFixture,
) -> None:
    use_broker(url.format(password=PASSWORD, closed=free_port()))
    assert_harmless(post, told, caplog, error)


@pytest.mark.parametrize("scheme", ["redis", "amqp"])
def test_host__that_nobody_knows(
    scheme: str, use_broker: UseBroker, post: Post, told: Told, caplog: pytest.LogCaptureFixture
) -> None:
    use_broker(f"{scheme}://one:{PASSWORD}@no-such-host.invalid//")
    ring_until_told(post, told)
    # Who asks a name server that does not answer either gives up before it does.
    [line] = told()
    assert line in {line_of("OperationalError"), line_of("BrokerSilent")}
    assert PASSWORD not in caplog.text


@pytest.mark.parametrize("scheme", ["redis", "amqp"])
def test_silent__is_asked_once(
    scheme: str, use_broker: UseBroker, post: Post, told: Told, caplog: pytest.LogCaptureFixture
) -> None:
    with Silent() as server:
        use_broker(f"{scheme}://one:{PASSWORD}@127.0.0.1:{server.port}//")
        ring_until_told(post, told)
        assert [post() for _ in range(4)] == [200] * 4
        assert server.guests == 1
    [line] = told()
    assert line in {line_of("OperationalError"), line_of("BrokerSilent")}
    assert PASSWORD not in caplog.text


@pytest.mark.parametrize("scheme", ["redis", "amqp"])
def test_trickling__is_left_alone(
    scheme: str, use_broker: UseBroker, post: Post, told: Told
) -> None:
    """No timeout of a socket ever ends this one."""
    with Trickling() as server:
        use_broker(f"{scheme}://127.0.0.1:{server.port}//")
        ring_until_told(post, told)
        assert [post() for _ in range(4)] == [200] * 4
        assert server.guests == 1
    assert told() == [line_of("BrokerSilent")]
    wait_for(lambda: not bells())


def test_trickling__leaves_few_threads_behind(
    use_broker: UseBroker, post: Post, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nudging, "REST_SECONDS", 0.0)
    monkeypatch.setattr(nudging, "PATIENCE_SECONDS", 0.01)
    with Trickling() as server:
        use_broker(f"redis://127.0.0.1:{server.port}/0")
        ring_until_told(post, told, lines=publishing.CONNECTIONS + 5)
        assert server.guests == publishing.CONNECTIONS
    wait_for(lambda: len(bells()) <= 1)


def test_password__that_is_wrong(
    broker: Broker,
    use_broker: UseBroker,
    post: Post,
    told: Told,
    caplog: pytest.LogCaptureFixture,
) -> None:
    scheme, host = broker.url.split("://")
    address = host.rpartition("@")[2]
    use_broker(f"{scheme}://guest:{PASSWORD}@{address}")
    error = "OperationalError" if isinstance(broker, Valkey) else "AccessRefused"
    assert_harmless(post, told, caplog, error)


@pytest.fixture
def full(valkey_server: Valkey) -> Iterator[Valkey]:
    assert valkey_server.ask(f"CONFIG SET maxmemory {FULL}") == "+OK"
    yield valkey_server
    assert valkey_server.ask("CONFIG SET maxmemory 0") == "+OK"


def test_valkey__that_is_full(
    full: Valkey, use_broker: UseBroker, post: Post, told: Told, caplog: pytest.LogCaptureFixture
) -> None:
    use_broker(full.url)
    assert_harmless(post, told, caplog, "OperationalError")


def test_rabbitmq__that_is_short_of_memory(
    rabbitmq_node: RabbitMQ,
    use_broker: UseBroker,
    post: Post,
    told: Told,
    caplog: pytest.LogCaptureFixture,
) -> None:
    use_broker(rabbitmq_node.url)
    rabbitmq_node.alarm()
    try:
        ring_until_told(post, told)
        assert [post() for _ in range(4)] == [200] * 4
        [line] = told()
        assert line in {line_of("OperationalError"), line_of("BrokerSilent")}
    finally:
        rabbitmq_node.clear_alarm()


def test_frozen__after_it_was_well__and_well_again(
    broker: Broker,
    use_broker: UseBroker,
    post: Post,
    told: Told,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    use_broker(broker.url)
    post()
    await_wake_up(broker)
    broker.freeze()
    try:
        ring_until_told(post, told)
        assert [post() for _ in range(4)] == [200] * 4
        [line] = told()
        assert line in {line_of("OperationalError"), line_of("BrokerSilent")}
    finally:
        broker.thaw()

    monkeypatch.setattr(nudging.line, "closed_until", 1.0)
    monkeypatch.setattr(nudging, "PATIENCE_SECONDS", 30)
    assert post() == 200
    await_wake_up(broker)
    wait_for(lambda: told()[1:] == ["INFO Workers are woken again."])


def test_rest__then_it_is_tried_again(
    valkey_server: Valkey,
    use_broker: UseBroker,
    post: Post,
    told: Told,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(nudging, "REST_SECONDS", 0.0)
    use_broker(valkey_server.url)
    valkey_server.stop()
    try:
        ring_until_told(post, told, lines=2)
    finally:
        valkey_server.start()
        valkey_server.wait_until_ready()

    assert post() == 200
    await_wake_up(valkey_server)
    wait_for(lambda: told()[-1] == "INFO Workers are woken again.")


def test_rest__then_one_tries_for_all() -> None:
    line = nudging.Line()
    line.closed_until = 1.0
    assert not line.is_closed
    assert [line.may_be_tried() for _ in range(3)] == [True, False, False]


def test_failures__of_two_at_once_are_told_once(told: Told) -> None:
    line = nudging.Line()
    line.close(OSError(), known_failures=0)
    line.close(OSError(), known_failures=0)
    line.open(known_failures=0)
    assert told() == [line_of("OSError")]
    assert not line.may_be_tried()


def test_result_backend__that_is_half_installed(
    valkey_server: Valkey,
    app: Celery,
    use_broker: UseBroker,
    post: Post,
    told: Told,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Celery fails after it has sent the message; it is not sent again for that."""
    monkeypatch.setattr(nudging, "REST_SECONDS", 0.0)
    use_broker(valkey_server.url)
    app.conf.update(result_backend="no_such_package.Backend")
    for _ in range(2):
        assert post() == 200
        await_wake_up(valkey_server)
    assert woken(valkey_server) == 0
    assert all("(ModuleNotFoundError)" in line for line in told())


def test_threads__that_cannot_be_started(
    use_broker: UseBroker, post: Post, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    def start(self: nudging.Bell) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(nudging.Bell, "start", start)
    use_broker("redis://127.0.0.1:1/0")
    assert [post() for _ in range(4)] == [200] * 4
    assert told() == [line_of("RuntimeError")]
