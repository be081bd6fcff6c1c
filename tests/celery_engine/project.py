"""The Celery app of those processes, and a receiver that does what a customer's e-mail says."""

from __future__ import annotations

import os
import signal
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

from celery import Celery

from billing_webhooks.schedule import BEAT_SCHEDULE
from billing_webhooks.signals import event_processed

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.celery_engine.settings")

app = Celery("tests.celery_engine.project")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.beat_schedule = {
    name: {**entry, "schedule": timedelta(seconds=1)} for name, entry in BEAT_SCHEDULE.items()
}
app.autodiscover_tasks()

# Where the receiver and the test leave signs for each other.
SIGNS = Path(os.environ.get("TESTS_SIGNS", os.curdir))
LONGEST_SECONDS = 120


def act(event: Any, **kwargs: Any) -> None:
    """Count the runs for each customer, in the transaction of the run and outside; then act."""
    from tests.models import Tally

    name = event.payload["customer"]["email"].partition("@")[0]
    tally, _ = Tally.objects.get_or_create(name=name)
    tally.count += 1
    tally.save()
    with (SIGNS / f"{name} runs").open("a") as runs:
        runs.write("1")
    ACTIONS.get(name, nothing)()


def nothing() -> None:
    """Do nothing more."""


def wait() -> None:
    """Say that the event is in progress, and stay there until the test lets it end."""
    (SIGNS / "began").touch()
    end = time.monotonic() + LONGEST_SECONDS
    while not (SIGNS / "go").exists():
        if time.monotonic() > end:
            raise TimeoutError
        time.sleep(0.02)


def die() -> None:
    """End the process as the kernel does when memory is short."""
    os.kill(os.getpid(), signal.SIGKILL)


def die_once() -> None:
    if not (SIGNS / "died").exists():
        (SIGNS / "died").touch()
        die()


def fail_once() -> None:
    if not (SIGNS / "failed").exists():
        (SIGNS / "failed").touch()
        raise RuntimeError


ACTIONS = {"slow": wait, "poison": die, "unlucky": die_once, "late": fail_once}

event_processed.connect(act, weak=False, dispatch_uid="act")
