"""
Each receiver of an event's signals, run by itself and remembered.

A receiver's own writes and the note that it succeeded are one commit, so its database
effects happen exactly once, and effects outside the database at least once.
"""

from __future__ import annotations

import logging
import time
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import TypeAlias

from asgiref.sync import async_to_sync, iscoroutinefunction

from billing_webhooks import linking, tracing
from billing_webhooks.attempts import step
from billing_webhooks.database import close_if_broken
from billing_webhooks.exceptions import GiveUp, RetryLater
from billing_webhooks.lifecycle import Name, step_of, tell
from billing_webhooks.mailboxes import MailboxTaken
from billing_webhooks.models import ReceiverRun, WebhookEvent
from billing_webhooks.models.inbox import storable_error
from billing_webhooks.notifications import Arguments, Notification, notifications
from billing_webhooks.signals import EventSignal, Receiver

Call: TypeAlias = tuple[Notification, Receiver, ReceiverRun]


@dataclass
class Report:
    """
    How an event's receivers fared: what is to be retried and what never will be.

    `left_out` has something to do for the event, but it is now replayed for another one.
    """

    failed: list[str] = field(default_factory=list)
    given_up: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    retry_after: timedelta | None = None


def notify(db: str, event: WebhookEvent, type_signal: EventSignal | None) -> Report:
    """
    Run every receiver that has not succeeded for this event, each in its own transaction.

    `type_signal` is the signal of the event's own type, if it is a known one. Raise
    MailboxTaken if another worker has begun to work the event's mailbox.
    """
    report = Report()
    if asked := list(linking.questions(db, event)):
        _run_all(db, event, _unfinished(db, event, asked), report)
        # Whom the resolver has named is news, too.
        event.refresh_from_db(using=db, fields=["changes"])
    told = notifications(event, type_signal)
    _run_all(db, event, _unfinished(db, event, told), report)
    return report


def unfinished(db: str, event: WebhookEvent, type_signal: EventSignal | None) -> list[Call]:
    """
    Return, in order, the calls of receivers that have not succeeded for this event.

    The first may be that of the resolver. What a receiver that is no longer connected has
    left undone stays undone: there is nobody to do it.
    """
    asked = linking.questions(db, event)
    return _unfinished(db, event, [*asked, *notifications(event, type_signal)])


def _unfinished(db: str, event: WebhookEvent, notifications: Iterable[Notification]) -> list[Call]:
    heard = [
        (notification, identity, receiver)
        for notification in notifications
        for identity, receiver in notification.signal.connected().items()
    ]
    if not heard:
        return []
    runs = {
        (run.signal, run.subject, run.receiver): run
        for run in ReceiverRun._base_manager.using(db).filter(event=event)
    }
    calls = []
    for notification, identity, receiver in heard:
        key = (notification.signal.name, notification.subject, identity)
        run = runs.get(key) or ReceiverRun(
            event=event, signal=key[0], subject=key[1], receiver=identity
        )
        if run.state != ReceiverRun.State.SUCCEEDED:
            calls.append((notification, receiver, run))
    return calls


def _run_all(db: str, event: WebhookEvent, calls: Iterable[Call], report: Report) -> None:
    arguments = Arguments(db, event)
    for notification, receiver, run in calls:
        is_for_it = event.only_receiver in {"", run.receiver} or linking.is_told_with(event, run)
        if run.state == ReceiverRun.State.GIVEN_UP:
            report.given_up.append(run.receiver)
        elif not is_for_it:
            # One without a run is new: the event was done before it came.
            report.left_out += [] if run._state.adding else [run.receiver]
        else:
            call = partial(_call, receiver, event, notification, arguments)
            with tracing.receiver(run):
                _run(db, event, run, call, report)


def _run(
    db: str, event: WebhookEvent, run: ReceiverRun, call: Callable[[], None], report: Report
) -> None:
    _begin_attempt(db, event, run)
    started = time.monotonic()
    try:
        with step(db, event):
            call()
            _remember(db, run, ReceiverRun.State.SUCCEEDED, started)
    except MailboxTaken:
        raise
    except Exception as error:
        tracing.failed(error)
        close_if_broken(db)
        if _has_succeeded(db, run):
            # What it has left for `on_commit` failed, or the answer to the commit was lost.
            reason = "failed_after_commit"
            _tell(Name.RECEIVER_SUCCEEDED, event, run, reason, logging.ERROR, error)
        else:
            with step(db, event):
                _remember_failure(db, run, error, started, report)
            _tell_failure(event, run, error)
    else:
        _tell(Name.RECEIVER_SUCCEEDED, event, run)


def _begin_attempt(db: str, event: WebhookEvent, run: ReceiverRun) -> None:
    """
    Commit that an attempt begins, so that one which kills the worker is not forgotten.

    It is a step of its own: however long the database takes to write it, whoever looks for
    work sees the lock and does not take this worker for dead.
    """
    with step(db, event):
        run.state, run.attempts = ReceiverRun.State.STARTED, run.attempts + 1
        run.save(using=db)


def _remember_failure(
    db: str, run: ReceiverRun, error: Exception, started: float, report: Report
) -> None:
    if isinstance(error, GiveUp):
        report.given_up.append(run.receiver)
        _remember(db, run, ReceiverRun.State.GIVEN_UP, started, str(error))
        return
    report.failed.append(run.receiver)
    if isinstance(error, RetryLater):
        if error.after is not None:
            report.retry_after = max(error.after, report.retry_after or error.after)
        _remember(db, run, ReceiverRun.State.FAILED, started, str(error))
        return
    text = "".join(traceback.format_exception(error))
    _remember(db, run, ReceiverRun.State.FAILED, started, text)


def _tell_failure(event: WebhookEvent, run: ReceiverRun, error: Exception) -> None:
    if isinstance(error, GiveUp):
        _tell(Name.RECEIVER_FAILED, event, run, "given_up", logging.WARNING)
    elif isinstance(error, RetryLater):
        _tell(Name.RECEIVER_FAILED, event, run, "retry_later")
    else:
        reason = type(error).__name__
        _tell(Name.RECEIVER_FAILED, event, run, reason, logging.ERROR, error)


def _tell(
    name: Name,
    event: WebhookEvent,
    run: ReceiverRun,
    reason: str = "",
    level: int = logging.INFO,
    error: Exception | None = None,
) -> None:
    facts = {"receiver": run.receiver, "attempts": run.attempts, "reason": reason}
    seconds = None if run.duration is None else run.duration.total_seconds()
    tell(step_of(name, event, seconds=seconds, level=level, error=error, **facts))


def _has_succeeded(db: str, run: ReceiverRun) -> bool:
    succeeded = ReceiverRun.State.SUCCEEDED
    return ReceiverRun._base_manager.using(db).filter(pk=run.pk, state=succeeded).exists()


def _call(
    receiver: Receiver, event: WebhookEvent, notification: Notification, arguments: Arguments
) -> None:
    call = async_to_sync(receiver) if iscoroutinefunction(receiver) else receiver
    call(
        signal=notification.signal,
        sender=WebhookEvent,
        event=event,
        is_replay=event.replays > 0,
        **arguments.of(notification),
    )


def _remember(
    db: str, run: ReceiverRun, state: ReceiverRun.State, started: float, error: str = ""
) -> None:
    run.state = state
    run.duration = timedelta(seconds=time.monotonic() - started)
    run.last_error = storable_error(error)
    run.save(using=db)
