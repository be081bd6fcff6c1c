"""Real workers that are stopped and killed while they work on the tests' database."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from billing_webhooks import dispatch
from billing_webhooks.models import WebhookEvent
from tests.celery_engine.conftest import Environment, UseBroker, states
from tests.celery_engine.queues import Broker, lying
from tests.celery_engine.waiting import LONGEST_SECONDS, wait_for
from tests.conftest import PostBillaBear
from tests.models import Tally
from tests.once import on_one_database
from tests.servers.celery_worker import Worker
from tests.waiting import until

on_one_database()

pytestmark = pytest.mark.usefixtures("patient")

# What Celery does alone, whatever the broker.
on_valkey = pytest.mark.parametrize("broker", ["valkey_server"], indirect=True, ids=["valkey"])

OPTIONS = ("--concurrency", "2")
Start = Callable[..., Worker]
PostAs = Callable[[str], None]


@pytest.fixture
def start(broker: Broker, environment: Environment, tmp_path: Path) -> Iterator[Start]:
    """Start a worker; none outlives the test."""
    workers: list[Worker] = []

    def start(*, beat: bool = False) -> Worker:
        env = {**environment, "TESTS_BROKER_URL": broker.url}
        name = f"worker{len(workers)}"
        options = [*OPTIONS, "--beat", "--schedule", str(tmp_path / "beat")] if beat else OPTIONS
        workers.append(Worker("tests.celery_engine.project", tmp_path, env, options, name))
        workers[-1].start()
        workers[-1].wait_until_ready()
        return workers[-1]

    yield start
    for worker in workers:
        worker.kill()


@pytest.fixture
def post_as(broker: Broker, use_broker: UseBroker, post_billabear: PostBillaBear) -> PostAs:
    """Have BillaBear send an event of a customer, whose name says what the receiver does."""
    use_broker(broker.url)
    numbers: dict[str, int] = {}

    def post(name: str) -> None:
        number = numbers.setdefault(name, len(numbers))
        customer = {"id": f"0b1e5c1e-0000-4000-8000-{number:012}", "email": f"{name}@example.org"}
        assert post_billabear("customer_created", customer=customer).status_code == 200

    return post


def outcome_of(name: str) -> tuple[str, int]:
    """Return the state of a customer's one event, and how often its receiver has had an effect."""
    [event] = [
        event
        for event in WebhookEvent.objects.all()
        if event.payload["customer"]["email"].startswith(name)
    ]
    tally = Tally.objects.filter(name=name).first()
    return event.state, tally.count if tally else 0


def is_settled() -> bool:
    return "pending" not in states()


def wake_now_and_then() -> None:
    """Wake the worker, which has the receivers that this process has not."""
    dispatch.wake(WebhookEvent.objects.get().mailbox)
    time.sleep(0.5)


def test_worker__works_what_it_is_woken_for(start: Start, post_as: PostAs) -> None:
    worker = start()
    for name in ("ada", "grace", "alan"):
        post_as(name)
    wait_for(is_settled, worker.text)
    assert [outcome_of(name) for name in ("ada", "grace", "alan")] == [("processed", 1)] * 3


@on_valkey
def test_burst__is_worked_without_a_sweep(start: Start, post_as: PostAs) -> None:
    worker = start()
    for number in range(40):
        post_as(f"customer{number}")
    wait_for(is_settled, worker.text)
    assert states() == ["processed"] * 40
    assert "billing_webhooks.sweep[" not in worker.text()


@on_valkey
def test_sigterm__lets_the_event_in_progress_end(
    start: Start, post_as: PostAs, tmp_path: Path
) -> None:
    worker = start()
    post_as("slow")
    wait_for((tmp_path / "began").exists, worker.text)
    worker.process.terminate()
    wait_for(lambda: "Warm shutdown" in worker.text(), worker.text)
    (tmp_path / "go").touch()
    assert worker.process.wait(LONGEST_SECONDS) == 0
    assert outcome_of("slow") == ("processed", 1)


def test_sigkill__of_a_child_in_a_receiver__is_made_good(start: Start, post_as: PostAs) -> None:
    worker = start()
    post_as("unlucky")
    # The broker delivers the wake-up again, mostly too soon: the event waits for its backoff.
    wait_for(lambda: worker.text().count("] received") == 2, worker.text)
    assert "WorkerLostError" in worker.text()
    until(is_settled, wake_now_and_then)
    assert outcome_of("unlucky") == ("processed", 1)


@on_valkey
def test_sigkill__of_all_in_a_receiver__is_made_good_by_the_sweep(
    start: Start, post_as: PostAs, tmp_path: Path
) -> None:
    worker = start()
    post_as("slow")
    wait_for((tmp_path / "began").exists, worker.text)
    worker.kill()
    assert outcome_of("slow") == ("pending", 0)

    (tmp_path / "go").touch()
    worker = start(beat=True)
    wait_for(is_settled, worker.text)
    assert outcome_of("slow") == ("processed", 1)


def test_poison__is_dead_in_the_end_and_harms_nobody_else(
    start: Start, post_as: PostAs, broker: Broker, tmp_path: Path
) -> None:
    worker = start(beat=True)
    for name in ("poison", "ada", "grace", "alan"):
        post_as(name)
    wait_for(is_settled, worker.text)
    assert [outcome_of(name) for name in ("ada", "grace", "alan")] == [("processed", 1)] * 3
    assert outcome_of("poison") == ("dead", 0)
    assert (tmp_path / "poison runs").read_text() == "1" * 3

    # It does not come back for ever.
    wait_for(lambda: lying(broker) == 0, worker.text)
