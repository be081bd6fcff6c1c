"""What health tells where Celery works events off: of its workers, and of its broker."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, timedelta

import pytest
from celery import Celery
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from billing_webhooks import health, heartbeats, tasks
from billing_webhooks.models import Heartbeat, WebhookEvent
from tests.celery_engine.brokers import Silent, Trickling
from tests.celery_engine.conftest import UseBroker
from tests.celery_engine.queues import Broker
from tests.celery_engine.waiting import LONGEST_SECONDS
from tests.once import on_one_database
from tests.overview.events import event
from tests.servers.processes import free_port

on_one_database()

MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def _in_a_new_process(transactional_db: None, app: Celery, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heartbeats, "_looked_at", {})
    Heartbeat.objects.create(name="sweep", at=timezone.now())


@pytest.fixture(autouse=True)
def _no_thread_left() -> Iterator[None]:
    yield
    for thread in threading.enumerate():
        if thread.name == "billing_webhooks.vitals":
            thread.join(LONGEST_SECONDS)


def about(*, broker: bool = False) -> list[str]:
    return [problem.about for problem in health(broker=broker).problems]


def received(minutes_ago: float, state: str = "processed") -> None:
    event(timezone.now() - minutes_ago * MINUTE, state=state).save()


class TestWorker:
    """A worker that takes tasks leaves a sign, once a minute."""

    @pytest.mark.parametrize(
        "task",
        [lambda: tasks.work("nobody"), tasks.work_due, tasks.sweep],
        ids=["work", "work_due", "sweep"],
    )
    def test_sign__is_left_by_a_task(self, task: Callable[[], None]) -> None:
        assert health().last_work is None
        task()
        sign = Heartbeat.objects.get(name="worker").at
        assert health().last_work == sign
        assert health().as_json()["last_work"] == sign.astimezone(UTC).isoformat()

    def test_sign__costs_most_tasks_nothing(self) -> None:
        tasks.work_due()
        with CaptureQueriesContext(connection) as queries:
            tasks.work_due()
        assert not [each for each in queries if Heartbeat._meta.db_table in each["sql"]]

    def test_sign__is_renewed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        Heartbeat.objects.create(name="worker", at=timezone.now() - 2 * MINUTE)
        tasks.work_due()
        assert timezone.now() - Heartbeat.objects.get(name="worker").at < MINUTE

    def test_sign__only_where_it_is_celery_that_works(self, settings: object) -> None:
        settings.BILLING_WEBHOOKS_DISPATCH = "deferred"  # type: ignore[attr-defined]
        tasks.work_due()
        assert not Heartbeat.objects.filter(name="worker").exists()

    def test_worker__not_heard_of_since_an_event_came(self) -> None:
        Heartbeat.objects.create(name="worker", at=timezone.now() - 60 * MINUTE)
        received(20)
        [problem] = health().problems
        assert problem.about == "worker"
        assert problem.text.startswith("An event came 20 minutes ago, and no Celery worker")
        tasks.work_due()
        assert about() == []

    def test_worker__never_heard_of(self) -> None:
        received(14)
        assert about() == []
        received(16)
        assert about() == ["worker"]
        assert health().unheard_since == WebhookEvent.objects.earliest("received_at").received_at

    @pytest.mark.parametrize("minutes_ago", [14, 59.5, 61], ids=["soon", "within", "before"])
    def test_worker__had_nothing_to_do(self, minutes_ago: float) -> None:
        Heartbeat.objects.create(name="worker", at=timezone.now() - 60 * MINUTE)
        received(minutes_ago)
        assert about() == []

    def test_quarantine__wakes_nobody(self) -> None:
        received(20, state="quarantined")
        assert about() == []


class TestBroker:
    """It is asked where somebody wants to know, and for half a second."""

    @pytest.mark.usefixtures("patient")
    def test_well(self, broker: Broker, use_broker: UseBroker) -> None:
        use_broker(broker.url)
        assert health(broker=True).broker_answers is True
        assert about(broker=True) == []

    @pytest.mark.parametrize(
        "url",
        ["redis://127.0.0.1:{port}/0", "amqp://127.0.0.1:{port}//", "pigeon://", "redis://a:b/0"],
        ids=["redis", "amqp", "unknown", "nonsense"],
    )
    def test_away(self, url: str, use_broker: UseBroker) -> None:
        use_broker(url.format(port=free_port()))
        [problem] = health(broker=True).problems
        assert (problem.about, "does not answer" in problem.text) == ("broker", True)

    @pytest.mark.parametrize("kind", [Silent, Trickling])
    @pytest.mark.parametrize("scheme", ["redis", "amqp"])
    def test_silent(self, kind: type[Silent], scheme: str, use_broker: UseBroker) -> None:
        with kind() as silent:
            use_broker(f"{scheme}://127.0.0.1:{silent.port}//")
            told: list[str] = []

            def ask() -> None:
                with closing(connection):
                    told.extend(about(broker=True))

            # Who trickles goes on for as long as anybody listens.
            asking = threading.Thread(target=ask, daemon=True)
            asking.start()
            asking.join(LONGEST_SECONDS)
            assert (told, silent.guests > 0) == (["broker"], True)

    def test_not_asked__unless_wanted(self, use_broker: UseBroker) -> None:
        with Silent() as silent:
            use_broker(f"redis://127.0.0.1:{silent.port}/0")
            assert (about(), silent.guests) == ([], 0)

    def test_eager__needs_none(self, app: Celery) -> None:
        app.conf.task_always_eager = True
        assert health(broker=True).broker_answers is None

    def test_no_app__is_no_answer(self) -> None:
        code = (
            "import django; django.setup(); from billing_webhooks.vitals import broker;"
            "assert broker.answers() is False"
        )
        environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.celery_engine.no_app"}
        subprocess.run([sys.executable, "-c", code], check=True, env=environment)
