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
from datetime import timedelta

from django.core.exceptions import ImproperlyConfigured
from django.db import IntegrityError
from django.utils import timezone

from billing_webhooks import attempts, confirming, projection, receivers
from billing_webhooks.database import close_if_broken, is_transient, write_alias
from billing_webhooks.exceptions import NotConfirmed, NotUnderstood
from billing_webhooks.facts import Fact
from billing_webhooks.mailboxes import MailboxTaken, make
from billing_webhooks.models import WebhookEvent
from billing_webhooks.projection import Effect, Reading, RowsMoved
from billing_webhooks.providers import get_provider
from billing_webhooks.providers.base import Provider
from billing_webhooks.receivers import Report

logger = logging.getLogger(__name__)

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
    if not _has_due_events(db, mailbox):
        return 0
    worked = 0
    try:
        while (limit is None or worked < limit) and not stop():
            event = attempts.begin(db, mailbox)
            if event is None:
                break
            _process(db, event)
            worked += 1
    except MailboxTaken:
        logger.info("Mailbox %s is being worked by somebody else.", mailbox)
    return worked


def _has_due_events(db: str, mailbox: str) -> bool:
    """Return whether something is due; the mailbox has its row then."""
    is_made = attempts.is_mailbox_of_due_events_made(db, mailbox)
    if is_made is False:
        make(db, mailbox)
    return is_made is not None


def _process(db: str, event: WebhookEvent) -> None:
    try:
        provider = get_provider(event.provider)
    except KeyError:
        _postpone(db, event, f"No provider is configured under {event.provider!r}.")
        return
    except ImproperlyConfigured as error:
        _postpone(db, event, str(error))
        return
    try:
        if event.applied_at is None:
            _apply(db, event, provider)
        report = receivers.notify(db, event, provider.signals.get(event.event_type))
    except MailboxTaken:
        raise
    except NotConfirmed as error:
        logger.warning("Event %s is not confirmed: %s", event.pk, error)
        _postpone(db, event, str(error), after=error.after)
    except NotUnderstood as error:
        logger.error("Event %s is dead: %s", event.pk, error)
        attempts.settle(db, event, WebhookEvent.State.DEAD, str(error))
    except Exception as error:
        # The message may quote rows, so the log gets the class alone.
        logger.error("Event %s failed with %s.", event.pk, type(error).__name__)
        _postpone(db, event, traceback.format_exc())
    else:
        _conclude(db, event, report)


def _apply(db: str, event: WebhookEvent, provider: Provider) -> None:
    """Apply an event's facts and note what they changed, in one commit."""
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


def read(event: WebhookEvent, provider: Provider) -> Reading:
    """
    Return what an event says, nothing for a type without a reading; may raise NotUnderstood.

    What the provider's API has said of it counts instead, where it was asked.
    """
    facts: Sequence[Fact] = ()
    if event.event_type in provider.signals:
        payload = event.payload | (event.confirmed or {})
        facts = provider.read(event.event_type, payload, event.occurred_at)
    return Reading(event.occurred_at, event.sequence, facts)


def note(db: str, event: WebhookEvent, effect: Effect, *, is_known: bool) -> None:
    """Note what an event did, beside what it did when it was applied before."""
    outcome = effect.outcome if is_known else WebhookEvent.Outcome.UNHANDLED
    if event.outcome == WebhookEvent.Outcome.APPLIED:
        outcome = WebhookEvent.Outcome.APPLIED
    WebhookEvent._base_manager.using(db).filter(pk=event.pk).update(
        outcome=outcome,
        changes=projection.combined(event.changes, effect.changes),
        customer=effect.customer_id or event.customer_id,
        applied_at=timezone.now(),
    )


def _conclude(db: str, event: WebhookEvent, report: Report) -> None:
    if report.failed:
        error = _named("Failed:", report.failed).strip()
        _postpone(db, event, error, after=report.retry_after)
    elif report.given_up or report.left_out:
        error = _named("Given up by", report.given_up) + _named("Not done by", report.left_out)
        attempts.settle(db, event, WebhookEvent.State.DEAD, error.strip())
    else:
        attempts.settle(db, event, WebhookEvent.State.PROCESSED)


def _named(what: str, receivers: Sequence[str]) -> str:
    names = ", ".join(dict.fromkeys(receivers))
    return f"{what} {names}. " if names else ""


def _postpone(db: str, event: WebhookEvent, error: str, *, after: timedelta | None = None) -> None:
    if attempts.postpone(db, event, error, after=after) is WebhookEvent.State.DEAD:
        logger.error("Event %s is dead after %d attempts.", event.pk, event.attempts)
