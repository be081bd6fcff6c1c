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
from datetime import datetime, timedelta

from django.db import IntegrityError
from django.db.models import QuerySet
from django.utils import timezone

from billing_webhooks import projection, receivers
from billing_webhooks.conf import settings
from billing_webhooks.database import is_transient, write_alias
from billing_webhooks.exceptions import NotUnderstood
from billing_webhooks.mailboxes import MailboxTaken, ensure, turn
from billing_webhooks.models import WebhookEvent
from billing_webhooks.models.inbox import storable_error
from billing_webhooks.projection import Effect, Reading, RowsMoved
from billing_webhooks.providers import get_provider
from billing_webhooks.providers.base import Provider
from billing_webhooks.receivers import Report

logger = logging.getLogger(__name__)

MAX_APPLY_TRIES = 8
LONGEST_PAUSE_SECONDS = 0.2
MAILBOXES_PER_QUERY = 100


def work(mailbox: str, *, limit: int | None = None) -> int:
    """
    Work off the due events of one mailbox in order and return how many there were.

    Leaves at once if another worker has the mailbox.
    """
    db = write_alias()
    ensure(db, mailbox)
    worked = 0
    try:
        while limit is None or worked < limit:
            event = _take(db, mailbox, timezone.now())
            if event is None:
                break
            _process(db, event)
            worked += 1
    except MailboxTaken:
        logger.info("Mailbox %s is being worked by somebody else.", mailbox)
    return worked


def work_due(*, limit: int | None = None) -> int:
    """
    Work off everything that is due, mailbox by mailbox, and return how many events.

    A mailbox that cannot be worked is told of in the log and left for the next time.
    """
    worked = 0
    broken: set[str] = set()
    while limit is None or worked < limit:
        due = _due(write_alias(), timezone.now()).exclude(mailbox__in=broken)
        mailboxes = due.order_by().values_list("mailbox", flat=True).distinct()
        before = worked
        for mailbox in list(mailboxes[:MAILBOXES_PER_QUERY]):
            try:
                worked += work(mailbox, limit=None if limit is None else limit - worked)
            except Exception as error:
                logger.error("Mailbox %s failed with %s.", mailbox, type(error).__name__)
                broken.add(mailbox)
        if worked == before:
            break
    return worked


def _due(db: str, now: datetime) -> QuerySet[WebhookEvent]:
    return WebhookEvent._base_manager.using(db).filter(
        state=WebhookEvent.State.PENDING, next_attempt_at__lte=now
    )


def _take(db: str, mailbox: str, now: datetime) -> WebhookEvent | None:
    """
    Return the earliest due event of a mailbox, its attempt counted.

    Counting is committed before anything is tried: an event that kills its worker must
    use up its attempts like any other.
    """
    with turn(db, mailbox, wait=False):
        due = _due(db, now).filter(mailbox=mailbox).order_by("occurred_at", "sequence")
        event = due.first()
        if event is None:
            return None
        event.attempts += 1
        event.next_attempt_at = now + longest_wait(event.attempts)
        event.save(using=db, update_fields=["attempts", "next_attempt_at"])
    return event


def longest_wait(attempts: int) -> timedelta:
    """Return the base, doubled with each attempt after the first, up to the cap."""
    return min(settings.BACKOFF_BASE * (1 << min(attempts - 1, 30)), settings.BACKOFF_CAP)


def backoff(attempts: int) -> timedelta:
    """Return a random part of the longest wait, so that many retries do not come at once."""
    return longest_wait(attempts) * random.random()  # noqa: S311


def _process(db: str, event: WebhookEvent) -> None:
    if event.attempts > settings.MAX_ATTEMPTS:
        error = "Every attempt ended with the death of its worker."
        _settle(db, event, WebhookEvent.State.DEAD, error)
        return
    try:
        provider = get_provider(event.provider)
    except KeyError:
        _postpone(db, event, f"No provider is configured under {event.provider!r}.")
        return
    try:
        if event.applied_at is None:
            _apply(db, event, provider)
        report = receivers.notify(db, event, provider.signals.get(event.event_type))
    except MailboxTaken:
        raise
    except NotUnderstood as error:
        logger.error("Event %s is dead: %s", event.pk, error)
        _settle(db, event, WebhookEvent.State.DEAD, str(error))
    except Exception as error:
        # The message may quote rows, so the log gets the class alone.
        logger.error("Event %s failed with %s.", event.pk, type(error).__name__)
        _postpone(db, event, traceback.format_exc())
    else:
        _conclude(db, event, report)


def _apply(db: str, event: WebhookEvent, provider: Provider) -> None:
    """Apply an event's facts and note what they changed, in one commit."""
    is_known = event.event_type in provider.signals
    facts = provider.read(event.event_type, event.payload, event.occurred_at) if is_known else ()
    reading = Reading(event.occurred_at, event.sequence, facts)
    for attempt in range(1, MAX_APPLY_TRIES + 1):
        try:
            resolution = projection.prepare(db, event.provider, [reading])
            with turn(db, event.mailbox, wait=True):
                if not _attempt(db, event).exists():
                    raise MailboxTaken(event.mailbox)
                effect = projection.apply(db, event.provider, [reading], resolution)[0]
                if not is_known:
                    effect.outcome = WebhookEvent.Outcome.UNHANDLED
                _note(db, event, effect)
            return
        except (RowsMoved, IntegrityError) as error:
            # Somebody else has made or merged one of the rows since `prepare`.
            if attempt == MAX_APPLY_TRIES:
                raise
            logger.info("Event %s is tried again: %s.", event.pk, type(error).__name__)
        except Exception as error:
            if not is_transient(error) or attempt == MAX_APPLY_TRIES:
                raise
            time.sleep(random.uniform(0, LONGEST_PAUSE_SECONDS))  # noqa: S311


def _note(db: str, event: WebhookEvent, effect: Effect) -> None:
    event.outcome = effect.outcome
    event.changes = effect.changes
    event.customer_id = effect.customer_id
    event.applied_at = timezone.now()
    event.save(using=db, update_fields=["outcome", "changes", "customer", "applied_at"])
    # What receivers get is what is stored, whether they run now or after a restart.
    event.refresh_from_db(using=db, fields=["changes", "customer"])


def _conclude(db: str, event: WebhookEvent, report: Report) -> None:
    if report.failed:
        names = ", ".join(dict.fromkeys(report.failed))
        _postpone(db, event, f"Failed: {names}.", after=report.retry_after)
    elif report.given_up:
        names = ", ".join(dict.fromkeys(report.given_up))
        _settle(db, event, WebhookEvent.State.DEAD, f"Given up by {names}.")
    else:
        _settle(db, event, WebhookEvent.State.PROCESSED, "")


def _postpone(db: str, event: WebhookEvent, error: str, *, after: timedelta | None = None) -> None:
    """Let an event try again later, or be dead if it has used up its attempts."""
    if event.attempts >= settings.MAX_ATTEMPTS:
        logger.error("Event %s is dead after %d attempts.", event.pk, event.attempts)
        _settle(db, event, WebhookEvent.State.DEAD, error)
        return
    _attempt(db, event).update(
        next_attempt_at=timezone.now() + max(backoff(event.attempts), after or timedelta()),
        last_error=storable_error(error),
    )


def _settle(db: str, event: WebhookEvent, state: WebhookEvent.State, error: str) -> None:
    _attempt(db, event).update(
        state=state,
        last_error=storable_error(error),
        next_attempt_at=None,
        processed_at=timezone.now(),
    )


def _attempt(db: str, event: WebhookEvent) -> QuerySet[WebhookEvent]:
    """
    Return the event's row, as long as nobody has begun another attempt at it.

    The number of the attempt is its worker's claim: one that was overtaken changes
    nothing any more.
    """
    return WebhookEvent._base_manager.using(db).filter(
        pk=event.pk, state=WebhookEvent.State.PENDING, attempts=event.attempts
    )
