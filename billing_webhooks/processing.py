"""
A stored event is worked off: applied, told to its receivers, settled.

Each step is one short transaction under the lock of the event's mailbox, and what a
step has done is committed with it, so a worker may die between any two of them.
"""

from __future__ import annotations

import logging
import random
import time
import traceback
from collections.abc import Callable, Sequence

from django.core.exceptions import ImproperlyConfigured
from django.db import IntegrityError
from django.utils import timezone

from billing_webhooks import attempts, confirming, projection, receivers, tracing
from billing_webhooks.batching import work_together
from billing_webhooks.database import close_if_broken, is_transient, write_alias
from billing_webhooks.exceptions import NotConfirmed, NotUnderstood
from billing_webhooks.harmless import get_logger
from billing_webhooks.lifecycle import Name, step_of, tell
from billing_webhooks.mailboxes import MailboxTaken
from billing_webhooks.models import WebhookEvent
from billing_webhooks.projection import Effect, RowsMoved
from billing_webhooks.providers import get_provider
from billing_webhooks.providers.base import Provider
from billing_webhooks.reading import outcome_of, read
from billing_webhooks.receivers import Report

logger = get_logger(__name__)

EVENTS_TOGETHER = 100
MAX_APPLY_TRIES = 8
LONGEST_PAUSE_SECONDS = 0.2
NOTED = ["outcome", "changes", "customer"]


def work(
    mailbox: str, *, limit: int | None = None, stop: Callable[[], bool] = lambda: False
) -> int:
    """
    Work off the due events of one mailbox in order and return how many there were.

    Leaves at once if another worker has the mailbox, and between two events when `stop`
    says so.
    """
    db = write_alias()
    unharmed: set[str] = set()
    worked = 0
    try:
        while (limit is None or worked < limit) and not stop():
            most = EVENTS_TOGETHER if limit is None else min(EVENTS_TOGETHER, limit - worked)
            batched = work_together(db, [mailbox], most, unharmed=unharmed)
            worked += batched.settled
            if batched.alone and worked != limit:
                worked += work_next(db, mailbox)
            elif not batched.more:
                break
    except MailboxTaken:
        logger.info("Mailbox %s is being worked by somebody else.", mailbox)
    return worked


def work_next(db: str, mailbox: str) -> int:
    """Work the next due event of a mailbox and return how many that were, 0 or 1."""
    event = attempts.begin(db, mailbox)
    if event is None:
        return 0
    with tracing.attempt(event):
        _process(db, event)
    return 1


def _process(db: str, event: WebhookEvent) -> None:
    try:
        provider = get_provider(event.provider)
    except KeyError:
        error = f"No provider is configured under {event.provider!r}."
        attempts.postpone(db, event, error, reason="not_configured", level=logging.ERROR)
        return
    except ImproperlyConfigured as fault:
        attempts.postpone(db, event, str(fault), reason="misconfigured", level=logging.ERROR)
        return
    try:
        if event.applied_at is None:
            _apply(db, event, provider)
        report = receivers.notify(db, event, provider.signals.get(event.event_type))
    except MailboxTaken:
        raise
    except NotConfirmed as doubt:
        why, level = str(doubt), logging.WARNING
        attempts.postpone(db, event, why, after=doubt.after, reason=why, level=level)
    except NotUnderstood as problem:
        attempts.settle(db, event, WebhookEvent.State.DEAD, str(problem), reason=str(problem))
    except Exception as fault:
        # The message may quote rows, so the log gets the class alone.
        reason, text = type(fault).__name__, traceback.format_exc()
        attempts.postpone(db, event, text, reason=reason, level=logging.ERROR)
    else:
        _conclude(db, event, report)


@tracing.applying
def _apply(db: str, event: WebhookEvent, provider: Provider) -> None:
    """Apply an event's facts and note what they changed, in one commit."""
    began = time.monotonic()
    reading = read(event, provider)
    is_confirmed = confirming.is_owed(event, provider) and confirming.confirm(db, event, provider)
    if is_confirmed:
        reading = read(event, provider)
    for attempt in range(1, MAX_APPLY_TRIES + 1):
        if attempt > 1:
            # The commit may have happened although its answer was lost.
            event.refresh_from_db(using=db, fields=NOTED)
        try:
            resolution = projection.prepare(db, event.provider, [reading])
            with attempts.step(db, event):
                effect = projection.apply(db, event.provider, [reading], resolution)[0]
                note(db, event, effect, is_known=event.event_type in provider.signals)
                if is_confirmed:
                    confirming.keep(db, event)
            break
        except (RowsMoved, IntegrityError) as error:
            # Somebody else has made or merged one of the rows since `prepare`.
            if attempt == MAX_APPLY_TRIES:
                raise
            logger.info("Event %s is tried again: %s.", event.pk, type(error).__name__)
        except Exception as error:
            if not is_transient(error) or attempt == MAX_APPLY_TRIES:
                raise
            close_if_broken(db)
            time.sleep(random.uniform(0, LONGEST_PAUSE_SECONDS))  # noqa: S311
    # What receivers get is what is stored, whether they run now or after a restart.
    event.refresh_from_db(using=db, fields=NOTED)
    tell(step_of(Name.APPLIED, event, seconds=time.monotonic() - began))


def note(db: str, event: WebhookEvent, effect: Effect, *, is_known: bool) -> None:
    """Note what an event did, beside what it did when it was applied before."""
    WebhookEvent._base_manager.using(db).filter(pk=event.pk).update(
        outcome=outcome_of(event, effect, is_known=is_known),
        changes=projection.combined(event.changes, effect.changes),
        customer=effect.customer_id or event.customer_id,
        applied_at=timezone.now(),
    )


def _conclude(db: str, event: WebhookEvent, report: Report) -> None:
    if report.failed:
        error = _named("Failed:", report.failed).strip()
        attempts.postpone(db, event, error, after=report.retry_after, reason="receiver_failed")
    elif report.given_up or report.left_out:
        error = _named("Given up by", report.given_up) + _named("Not done by", report.left_out)
        reason = "given_up" if report.given_up else "left_out"
        attempts.settle(db, event, WebhookEvent.State.DEAD, error.strip(), reason=reason)
    else:
        attempts.settle(db, event, WebhookEvent.State.PROCESSED)


def _named(what: str, receivers: Sequence[str]) -> str:
    names = ", ".join(dict.fromkeys(receivers))
    return f"{what} {names}. " if names else ""
