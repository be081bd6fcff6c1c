"""One trace across the web process, the broker, a worker's processes, and retries."""

from __future__ import annotations

import contextvars
import json
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, TypeAlias
from uuid import uuid4

import pytest
from celery.signals import before_task_publish
from opentelemetry import context, trace

from billing_webhooks import nudging
from tests.celery_engine.conftest import Environment, Post, UseBroker, states
from tests.celery_engine.deliveries import CUSTOMER
from tests.celery_engine.queues import await_wake_up
from tests.celery_engine.waiting import LONGEST_SECONDS, wait_for
from tests.conftest import PostBillaBear
from tests.once import on_one_database
from tests.servers.celery_worker import Worker
from tests.servers.valkey import Valkey
from tests.tracing.spans import Spans, trace_of

on_one_database()

Start: TypeAlias = Callable[[], Worker]
PostAs: TypeAlias = Callable[[str], Any]

pytestmark = pytest.mark.usefixtures("patient")


@pytest.fixture
def spans() -> Iterator[Spans]:
    """What the web process records, which is the process of the tests."""
    spans = Spans()
    yield spans
    spans.end()


@pytest.fixture
def start(environment: Environment, tmp_path: Path) -> Iterator[Start]:
    """Start a worker with a beat that records its spans."""
    options = ["--concurrency", "1", "--beat", "--schedule", str(tmp_path / "beat")]
    started: list[Worker] = []

    def start() -> Worker:
        worker = Worker("tests.celery_engine.traced", tmp_path, environment, options)
        started.append(worker)
        worker.start()
        worker.wait_until_ready()
        return worker

    yield start
    for worker in started:
        worker.kill()


def recorded(path: Path, name: str) -> list[dict[str, Any]]:
    """Return the spans of a name that the worker has recorded, in the order of their end."""
    lines = (path / "spans").read_text().splitlines()
    return [span for span in map(json.loads, lines) if span["name"] == name]


@pytest.fixture
def post_as(
    valkey_server: Valkey, use_broker: UseBroker, post_billabear: PostBillaBear
) -> Callable[[str], Any]:
    """Have an event come of a customer whose name says what its receiver does."""
    use_broker(valkey_server.url)

    def post_as(name: str) -> None:
        customer = {"id": str(uuid4()), "email": f"{name}@example.org"}
        post_billabear("customer_created", customer=CUSTOMER | customer)

    return post_as


def contexts(spans: Iterable[dict[str, Any]]) -> set[tuple[int, int]]:
    """Return the ids of the traces and of the spans themselves."""
    return {
        (int(each["context"]["trace_id"], 16), int(each["context"]["span_id"], 16))
        for each in spans
    }


def parents(spans: Iterable[dict[str, Any]]) -> set[tuple[int, int]]:
    return {(int(each["context"]["trace_id"], 16), int(each["parent_id"], 16)) for each in spans}


def receipts(spans: Spans) -> set[tuple[int, int]]:
    found = (span.get_span_context() for span in spans.named("receive"))
    return {(each.trace_id, each.span_id) for each in found if each is not None}


def test_batch__is_linked_to_receipts_to_which_each_attempt_belongs(
    start: Start, spans: Spans, post_as: PostAs, tmp_path: Path
) -> None:
    for name in ("ada", "grace", "alan"):
        post_as(name)
    worker = start()
    wait_for(lambda: states() == ["processed"] * 3, worker.text)
    worker.stop()

    [batch] = recorded(tmp_path, "webhook.apply_batch")
    assert contexts(batch["links"]) == receipts(spans)
    attempts = recorded(tmp_path, "webhook.process")
    assert parents(attempts) == receipts(spans)
    assert parents(recorded(tmp_path, "webhook.receiver")) == contexts(attempts)


def test_sweep__after_a_crash_goes_on_with_the_trace(
    start: Start, spans: Spans, post_as: PostAs, tmp_path: Path
) -> None:
    worker = start()
    post_as("slow")
    wait_for((tmp_path / "began").exists, worker.text)
    # What was going on is not recorded: nobody is left to end it.
    worker.kill()
    (tmp_path / "go").touch()
    worker = start()
    wait_for(lambda: states() == ["processed"], worker.text)
    worker.stop()

    [attempt] = recorded(tmp_path, "webhook.process")
    assert attempt["attributes"]["billing_webhooks.attempt"] == 2
    assert parents([attempt]) == receipts(spans)
    assert parents(recorded(tmp_path, "webhook.receiver")) == contexts([attempt])


def test_event__is_one_trace_from_the_request_to_the_retry(
    start: Start, spans: Spans, post_as: PostAs, tmp_path: Path
) -> None:
    worker = start()
    post_as("late")
    wait_for(lambda: states() == ["processed"], worker.text)
    worker.stop()

    receipt = spans.one("receive")
    attempts = recorded(tmp_path, "webhook.process")
    runs = recorded(tmp_path, "webhook.receiver")
    assert [each["attributes"]["billing_webhooks.attempt"] for each in attempts] == [1, 2]
    assert [each["status"]["status_code"] for each in runs] == ["ERROR", "UNSET"]
    assert {int(each["context"]["trace_id"], 16) for each in attempts + runs} == {trace_of(receipt)}
    assert [each["parent_id"] for each in runs] == [each["context"]["span_id"] for each in attempts]

    tasks = [
        task["context"]
        for name in ("work_due", "sweep")
        for task in recorded(tmp_path, f"billing_webhooks.{name}")
    ]
    for attempt in attempts:
        [link] = attempt["links"]
        assert link["context"] in tasks


def test_message__goes_out_of_no_requests_trace(
    spans: Spans, valkey_server: Valkey, use_broker: UseBroker, post: Post
) -> None:
    currents: list[Any] = []

    @before_task_publish.connect(weak=True)
    def note(**kwargs: Any) -> None:
        currents.append(trace.get_current_span())
        # As an instrumentation does whose message is let down.
        context.attach(trace.set_span_in_context(spans.project.start_span("publish")))

    use_broker(valkey_server.url)
    with spans.project.start_as_current_span("POST"):
        bell = nudging._bells[os.getpid()] = nudging.Bell()
        # As an instrumentation of threads does.
        run = contextvars.copy_context().run
        thread = threading.Thread(target=run, args=(bell.run,))
        thread.start()
        for _ in range(2):
            post()
            await_wake_up(valkey_server)
            valkey_server.flush()
    nudging._bells.clear()
    bell.ring()
    thread.join(LONGEST_SECONDS)
    assert len(currents) >= 2
    assert set(currents) == {trace.INVALID_SPAN}
