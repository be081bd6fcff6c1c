"""A Celery worker, and what wakes it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.test import override_settings

from benchmarks.celery_app import app
from benchmarks.web import running
from billing_webhooks import dispatch
from billing_webhooks.models import WebhookEvent
from tests.servers.celery_worker import Worker

APP = "benchmarks.celery_app:app"
# Longer than a wake-up may wait for others to go with it.
GATHERING_SECONDS = 1.2


@contextmanager
def worker(directory: Path, number: int) -> Iterator[Worker]:
    """Yield a worker of so many processes that has just been told of each mailbox."""
    app.control.purge()
    program = Worker(APP, directory, options=[f"--concurrency={number}"])
    with running(program):
        # Told one by one while it works, it would be measured how fast they are told.
        program.freeze()
        _wake_all()
        program.thaw()
        yield program


@override_settings(BILLING_WEBHOOKS_DISPATCH="celery")
def _wake_all() -> None:
    due = WebhookEvent._base_manager.filter(state=WebhookEvent.State.PENDING)
    mailboxes = due.order_by("next_attempt_at", "pk").values_list("mailbox", flat=True)
    for mailbox in dict.fromkeys(mailboxes):
        dispatch.wake(mailbox)
    if mailboxes:
        time.sleep(GATHERING_SECONDS)
