"""
Each receiver of an event's signals, run by itself and remembered.

A receiver's own writes and the note that it succeeded are one commit, so its database
effects happen exactly once, and effects outside the database at least once.
"""

from __future__ import annotations

import logging
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

from asgiref.sync import async_to_sync, iscoroutinefunction
from django.db import IntegrityError
from django.utils import timezone

from billing_webhooks.database import savepoint_if_in_transaction
from billing_webhooks.exceptions import GiveUp, RetryLater
from billing_webhooks.mailboxes import MailboxTaken, turn
from billing_webhooks.models import ReceiverRun, WebhookEvent
from billing_webhooks.models.inbox import storable_error
from billing_webhooks.notifications import Arguments, Notification, notifications
from billing_webhooks.signals import EventSignal, Receiver

logger = logging.getLogger(__name__)


@dataclass
class Report:
    """How an event's receivers fared: what is to be retried and what never will be."""

    failed: list[str] = field(default_factory=list)
    given_up: list[str] = field(default_factory=list)
    retry_after: timedelta | None = None


def notify(db: str, event: WebhookEvent, type_signal: EventSignal | None) -> Report:
    """
    Run every receiver that has not succeeded for this event, each in its own transaction.

    `type_signal` is the signal of the event's own type, if it is a known one. Raise
    MailboxTaken if another worker has begun to work the event's mailbox.
    """
    report = Report()
    heard = [each for each in notifications(event, type_signal) if each.signal.connected()]
    if not heard:
        return report
    runs = {
        (run.signal, run.subject, run.receiver): run
        for run in ReceiverRun._base_manager.using(db).filter(event=event)
    }
    arguments = Arguments(db, event)
    for notification in heard:
        for identity, receiver in notification.signal.connected().items():
            key = (notification.signal.name, notification.subject, identity)
            run = runs.get(key) or ReceiverRun(
                event=event, signal=key[0], subject=key[1], receiver=identity
            )
            if run.state == ReceiverRun.State.GIVEN_UP:
                report.given_up.append(identity)
            elif run.state != ReceiverRun.State.SUCCEEDED:
                call = partial(_call, receiver, event, notification, arguments)
                _run(db, event, run, call, report)
    return report


def _run(
    db: str, event: WebhookEvent, run: ReceiverRun, call: Callable[[], None], report: Report
) -> None:
    _begin_attempt(db, run)
    started = time.monotonic()
    try:
        with turn(db, event.mailbox, wait=True):
            attempt = ReceiverRun._base_manager.using(db).filter(
                pk=run.pk, state=ReceiverRun.State.STARTED, attempts=run.attempts
            )
            if not attempt.exists():
                raise MailboxTaken(event.mailbox)
            call()
            attempt.update(
                state=ReceiverRun.State.SUCCEEDED,
                duration=timedelta(seconds=time.monotonic() - started),
                last_error="",
                updated_at=timezone.now(),
            )
    except MailboxTaken:
        raise
    except GiveUp as error:
        _remember_failure(db, run, ReceiverRun.State.GIVEN_UP, started, str(error))
        report.given_up.append(run.receiver)
    except RetryLater as error:
        _remember_failure(db, run, ReceiverRun.State.FAILED, started, str(error))
        report.failed.append(run.receiver)
        if error.after is not None:
            report.retry_after = max(error.after, report.retry_after or error.after)
    except Exception:
        logger.exception("Receiver %s failed for event %s.", run.receiver, event.pk)
        _remember_failure(db, run, ReceiverRun.State.FAILED, started, traceback.format_exc())
        report.failed.append(run.receiver)


def _begin_attempt(db: str, run: ReceiverRun) -> None:
    """
    Commit that an attempt begins, so that one which kills the worker is not forgotten.

    The number of the attempt is its worker's claim: raise MailboxTaken if somebody else
    has begun one since the run was read.
    """
    known = run.attempts
    run.state, run.attempts = ReceiverRun.State.STARTED, known + 1
    if run._state.adding:
        try:
            with savepoint_if_in_transaction(db):
                run.save(using=db, force_insert=True)
        except IntegrityError as error:
            raise MailboxTaken(run.event.mailbox) from error
    else:
        begun = ReceiverRun._base_manager.using(db).filter(pk=run.pk, attempts=known)
        if not begun.update(state=run.state, attempts=run.attempts, updated_at=timezone.now()):
            raise MailboxTaken(run.event.mailbox)


def _call(
    receiver: Receiver, event: WebhookEvent, notification: Notification, arguments: Arguments
) -> None:
    call = async_to_sync(receiver) if iscoroutinefunction(receiver) else receiver
    call(
        signal=notification.signal,
        sender=WebhookEvent,
        event=event,
        **arguments.of(notification),
    )


def _remember_failure(
    db: str, run: ReceiverRun, state: ReceiverRun.State, started: float, error: str
) -> None:
    ReceiverRun._base_manager.using(db).filter(pk=run.pk).update(
        state=state,
        duration=timedelta(seconds=time.monotonic() - started),
        last_error=storable_error(error),
        updated_at=timezone.now(),
    )
