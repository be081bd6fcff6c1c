"""The tasks, called as Celery calls them: often, at once, too late, or in the request."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from celery import Celery
from celery.schedules import maybe_schedule, schedule
from django.core.management import call_command
from django.db import connections, transaction
from django.db.models import F

from billing_webhooks import processing, tasks
from billing_webhooks.models import Customer, Heartbeat, WebhookEvent
from billing_webhooks.schedule import BEAT_SCHEDULE
from billing_webhooks.signals import event_processed
from tests.celery_engine.conftest import Post, states
from tests.celery_engine.deliveries import CUSTOMER, MAILBOX
from tests.conftest import Connect, PostBillaBear
from tests.models import Tally
from tests.outcomes import is_settled
from tests.waiting import until

THREADS = 20


@pytest.fixture
def counting(transactional_db: None, connect: Connect) -> None:
    Tally.objects.create(name="runs")

    def count(**kwargs: Any) -> None:
        Tally.objects.filter(name="runs").update(count=F("count") + 1)

    connect(event_processed, count)


@pytest.fixture
def stored(settings: Any, post: Post) -> None:
    """Three events of one customer that nobody was woken for."""
    settings.BILLING_WEBHOOKS_DISPATCH = "deferred"
    for _ in range(3):
        post()


def test_work__a_hundred_times_at_once_has_one_effect(counting: None, stored: None) -> None:
    def work(_: int) -> None:
        try:
            tasks.work(MAILBOX)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(work, range(100)))

    # A worker that the machine has stopped for seconds was taken for dead: the sweep goes on.
    until(is_settled, tasks.sweep)
    assert states() == ["processed"] * 3
    assert Tally.objects.get(name="runs").count == 3


def test_work__of_a_mailbox_that_nobody_knows_does_nothing(transactional_db: None) -> None:
    tasks.work("billabear:customer:nobody")


@pytest.mark.parametrize(
    "task",
    [lambda: tasks.work(MAILBOX), tasks.work_due, tasks.sweep],
    ids=["work", "work_due", "sweep"],
)
def test_task__leaves_the_rest_when_its_time_is_up(
    task: Callable[[], None], stored: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "LONGEST_SECONDS", -1.0)
    task()
    assert states() == ["pending"] * 3
    monkeypatch.undo()
    task()
    assert states() == ["processed"] * 3


def test_sweep__leaves_a_heartbeat_and_health_is_well(
    stored: None, capsys: pytest.CaptureFixture[str]
) -> None:
    tasks.sweep()
    assert Heartbeat.objects.get().name == "sweep"
    call_command("billing_webhooks", "health")
    assert "0 due, 0 pending" in capsys.readouterr().out


def test_prune__drops_what_is_old(stored: None, settings: Any) -> None:
    tasks.sweep()
    settings.BILLING_WEBHOOKS_RETENTION = timedelta(0)
    tasks.prune()
    assert not WebhookEvent.objects.filter(pruned_at=None).exists()


def test_options__are_those_that_the_documentation_tells(app: Celery) -> None:
    late = {name for name, task in app.tasks.items() if task.acks_late}
    # What is scheduled anyway need not come back.
    assert late == {"billing_webhooks.work", "billing_webhooks.work_due"}
    assert all(app.tasks[name].reject_on_worker_lost for name in late)


def test_schedule__names_tasks_that_exist_and_is_understood(app: Celery) -> None:
    for entry in BEAT_SCHEDULE.values():
        assert entry["task"] in app.tasks
        assert isinstance(maybe_schedule(entry["schedule"]), schedule)


def test_schedule__is_imported_without_django() -> None:
    code = (
        "import sys; from billing_webhooks.schedule import BEAT_SCHEDULE;"
        "sys.exit('django' in sys.modules or 'celery' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.fixture
def eager(app: Celery) -> None:
    app.conf.task_always_eager = True


@pytest.mark.django_db
def test_eager__works_in_the_request_and_in_its_transaction(
    eager: None, post_billabear: PostBillaBear
) -> None:
    with transaction.atomic():
        answer = post_billabear("customer_created", customer=CUSTOMER)
        assert answer.status_code == 200
        assert states() == ["processed"]
        transaction.set_rollback(True)
    assert not Customer.objects.exists()


@pytest.mark.parametrize("propagates", [False, True])
def test_eager__a_failure_is_not_the_requests(
    eager: None, app: Celery, post: Post, propagates: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    app.conf.task_eager_propagates = propagates

    def fail(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError

    monkeypatch.setattr(processing, "work", fail)
    assert post() == 200
    assert states() == ["pending"]
