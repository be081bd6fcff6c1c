"""
Each receiver of an event's signals, run by itself and remembered.

A receiver's own writes and the note that it succeeded are one commit, so its database
effects happen exactly once, and effects outside the database at least once.
"""

from __future__ import annotations

import logging
import time
import traceback
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from asgiref.sync import async_to_sync, iscoroutinefunction
from django.apps import apps
from django.db import models
from django.utils import timezone

from billing_webhooks import facts
from billing_webhooks.exceptions import GiveUp, RetryLater
from billing_webhooks.mailboxes import MailboxTaken, turn
from billing_webhooks.models import Plan, ReceiverRun, WebhookEvent
from billing_webhooks.signals import DOMAIN_SIGNALS, EventSignal, Receiver, event_processed

logger = logging.getLogger(__name__)

MAX_ERROR_LENGTH = 4000

# What receivers call the objects, by model name.
ARGUMENT_NAMES = {
    "customer": "customer",
    "plan": "plan",
    "subscription": "subscription",
    "payment": "payment",
    "invoice": "invoice",
    "usagerecord": "usage",
}


@dataclass(frozen=True)
class Notification:
    """One signal to be sent for an event. `subject` tells several of one signal apart."""

    signal: EventSignal
    subject: str
    arguments: Mapping[str, Any]


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
    runs = {
        (run.signal, run.subject, run.receiver): run
        for run in ReceiverRun._base_manager.using(db).filter(event=event)
    }
    for notification in notifications(db, event, type_signal):
        for identity, receiver in notification.signal.connected().items():
            key = (notification.signal.name, notification.subject, identity)
            run = runs.get(key) or ReceiverRun(
                event=event, signal=key[0], subject=key[1], receiver=identity
            )
            if run.state == ReceiverRun.State.GIVEN_UP:
                report.given_up.append(identity)
            elif run.state != ReceiverRun.State.SUCCEEDED:
                _run(db, run, receiver, notification, report)
    return report


def notifications(
    db: str, event: WebhookEvent, type_signal: EventSignal | None
) -> Iterator[Notification]:
    """Yield what is to be told of an applied event: its type, what changed, that it is done."""
    about = _objects(db, event)
    everything: dict[str, Any] = dict.fromkeys(ARGUMENT_NAMES.values())
    everything |= {ARGUMENT_NAMES[model]: row for (model, _), row in about.items()}
    everything["customer"] = event.customer
    all_changes = {
        ARGUMENT_NAMES[entry["model"]]: typed_changes(entry)
        for entry in event.changes
        if entry.get("fields")
    }
    if type_signal is not None:
        yield Notification(type_signal, "", {**everything, "changes": all_changes})
    for entry in event.changes:
        arguments = _arguments(db, event, entry, about)
        for name in entry["signals"]:
            subject = f"{entry['model']}:{entry['id']}" if "model" in entry else ""
            yield Notification(DOMAIN_SIGNALS[name], subject, arguments)
    yield Notification(event_processed, "", {"customer": event.customer, "changes": all_changes})


def typed_changes(entry: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Return field → (old, new) of a stored change, as the model's fields hold values."""
    model = apps.get_model("billing_webhooks", entry["model"])
    return {
        name: tuple(model._meta.get_field(name).to_python(value) for value in values)
        for name, values in entry["fields"].items()
    }


def _objects(db: str, event: WebhookEvent) -> dict[tuple[str, Any], models.Model]:
    """Return the rows an event is about that still are there, by model name and key."""
    found: dict[tuple[str, Any], models.Model] = {}
    for entry in event.changes:
        if "model" in entry:
            rows = apps.get_model("billing_webhooks", entry["model"])._base_manager.using(db)
            row = rows.filter(pk=entry["id"]).first()
            if row is not None:
                found[entry["model"], entry["id"]] = row
    return found


def _arguments(
    db: str,
    event: WebhookEvent,
    entry: Mapping[str, Any],
    about: Mapping[tuple[str, Any], models.Model],
) -> dict[str, Any]:
    """Return the keyword arguments of the domain signals of one entry of an event's changes."""
    if "model" not in entry:
        return {"customer": event.customer, **_notice(entry)}
    row: Any = about.get((entry["model"], entry["id"]))
    changes = typed_changes(entry)
    arguments = {
        "customer": getattr(row, "customer", None) or event.customer,
        "subscription": getattr(row, "subscription", None),
        "plan": getattr(row, "plan", None),
        ARGUMENT_NAMES[entry["model"]]: row,
        "changes": changes,
    }
    if "plan_changed" in entry["signals"]:
        old = changes["plan"][0]
        arguments["old_plan"] = Plan._base_manager.using(db).filter(pk=old).first()
    return arguments


def _notice(entry: Mapping[str, Any]) -> dict[str, facts.Notice]:
    if "integration_failed" in entry["signals"]:
        return {"failure": facts.IntegrationFailure(**entry["data"])}
    return {"threshold": facts.TaxThreshold(**entry["data"])}


def _run(
    db: str, run: ReceiverRun, receiver: Receiver, notification: Notification, report: Report
) -> None:
    _count_attempt(db, run)
    started = time.monotonic()
    try:
        with turn(db, run.event.mailbox):
            unfinished = ReceiverRun._base_manager.using(db).filter(
                pk=run.pk, state=ReceiverRun.State.STARTED
            )
            if not unfinished.exists():
                return
            _call(receiver, notification, run.event)
            unfinished.update(
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
        logger.exception("Receiver %s failed for event %s.", run.receiver, run.event.pk)
        _remember_failure(db, run, ReceiverRun.State.FAILED, started, traceback.format_exc())
        report.failed.append(run.receiver)


def _count_attempt(db: str, run: ReceiverRun) -> None:
    """Commit that an attempt begins, so that one which kills the worker is not forgotten."""
    run.state = ReceiverRun.State.STARTED
    run.attempts += 1
    run.save(using=db)


def _call(receiver: Receiver, notification: Notification, event: WebhookEvent) -> None:
    call = async_to_sync(receiver) if iscoroutinefunction(receiver) else receiver
    call(signal=notification.signal, sender=WebhookEvent, event=event, **notification.arguments)


def _remember_failure(
    db: str, run: ReceiverRun, state: ReceiverRun.State, started: float, error: str
) -> None:
    ReceiverRun._base_manager.using(db).filter(pk=run.pk).update(
        state=state,
        duration=timedelta(seconds=time.monotonic() - started),
        last_error=error[-MAX_ERROR_LENGTH:],
        updated_at=timezone.now(),
    )
