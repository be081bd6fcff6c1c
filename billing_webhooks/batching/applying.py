"""One transaction for many events of one provider: read, project, mark."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeAlias
from uuid import UUID

from django.db import IntegrityError, connections, transaction
from django.db.models import QuerySet
from django.utils import timezone

from billing_webhooks import confirming, projection, tracing
from billing_webhooks.attempts import pending
from billing_webhooks.batching.heads import FRESH, Batched, Head
from billing_webhooks.bulk import Update, write_each
from billing_webhooks.compiled import Recurring, any_of, rows
from billing_webhooks.database import close_if_broken, is_transient
from billing_webhooks.harmless import get_logger
from billing_webhooks.lifecycle import Name, Step, ages, is_heard, step_of, tell_all
from billing_webhooks.linking import user_resolver
from billing_webhooks.mailboxes import clear_tried
from billing_webhooks.models import Mailbox, WebhookEvent
from billing_webhooks.notifications import is_heard as is_signal_heard
from billing_webhooks.projection import (
    Batch,
    Effect,
    PlansChange,
    Reading,
    RowsMoved,
    Unprepared,
)
from billing_webhooks.providers import get_provider
from billing_webhooks.providers.base import Provider
from billing_webhooks.reading import outcome_of, read

logger = get_logger(__name__)

Told: TypeAlias = tuple[WebhookEvent, bool]

TRIES = 5
LONGEST_PAUSE_SECONDS = 0.1
READ = (
    "provider",
    "event_type",
    "mailbox",
    "sequence",
    "occurred_at",
    "body",
    "confirmation",
    "outcome",
    "changes",
    "next_attempt_at",
    "customer",
    "received_at",
    "replays",
)
MARKED = (
    "state",
    "outcome",
    "attempts",
    "next_attempt_at",
    "applied_at",
    "processed_at",
    "changes",
    "customer",
)


def apply_all(db: str, alias: str, heads: Sequence[Head]) -> Batched:
    """
    Apply these events, of each mailbox as far as that goes, in one commit.

    Raise whatever goes wrong, unless another try may well go right.
    """
    provider = get_provider(alias)
    # Where a reference to a plan locks it, who has referred to it must not write it later. And
    # the lock that one event takes is not held for long.
    can_wait = connections[db].features.has_select_for_no_key_update
    locks_plans = len(heads) == 1 or not can_wait
    known: dict[UUID, Reading] = {}
    began = time.monotonic()
    for left in reversed(range(TRIES)):
        try:
            with transaction.atomic(using=db):
                done = _apply(db, provider, heads, known, locks_plans=locks_plans)
            if done.steps:
                share = (time.monotonic() - began) / len(done.steps)
                tell_all(replace(step, seconds=share) for step in done.steps)
            return done
        except (Unprepared, IntegrityError):
            projection.prepare(db, alias, list(known.values()))
        except PlansChange:
            locks_plans = True
        except Exception as error:
            is_passing = isinstance(error, RowsMoved) or is_transient(error)
            if not (left and is_passing):
                raise
            close_if_broken(db)
            time.sleep(random.uniform(0, LONGEST_PAUSE_SECONDS))  # noqa: S311
    raise RowsMoved("Others have changed the rows at every try.")


def _apply(
    db: str,
    provider: Provider,
    heads: Sequence[Head],
    known: dict[UUID, Reading],
    *,
    locks_plans: bool,
) -> Batched:
    done = Batched()
    read_ones = list(_readings(_locked(db, heads), provider, known, done))
    batch = Batch(db, provider.alias, [each for _, each in read_ones], locks_plans=locks_plans)
    taken: list[Told] = []
    for event, reading in read_ones:
        if done.is_stopped(event.mailbox):
            continue
        if not batch.may_take(reading):
            done.alone[event.mailbox] = None
            continue
        folded = batch.take(reading)
        signal = provider.signals.get(event.event_type)
        is_told = bool(user_resolver.connected()) or is_signal_heard(event, signal, folded.signals)
        if is_told:
            # Who is told of it is told before the next event of the mailbox changes anything.
            done.alone[event.mailbox] = None
        taken.append((event, is_told))
    done.steps = _mark(db, provider, taken, batch.write())
    if len(heads) == 1:
        for event, _ in taken:
            tracing.applied(event)
    batch.finish()
    done.settled = sum(not is_told for _, is_told in taken)
    return done


def _locked(db: str, heads: Sequence[Head]) -> Iterator[WebhookEvent]:
    """
    Yield those events that nobody else has, with their mailboxes, in their order.

    After one that somebody has, or has worked, none of its mailbox follows.
    """
    mailboxes = {head.mailbox for head in heads}
    can_skip = connections[db].features.has_select_for_update_skip_locked
    if not can_skip:
        # A transaction that begins with a write waits for its turn.
        clear_tried(db, mailboxes)
    events = rows(db, Recurring(_fresh, (can_skip,), {"keys": [head.key for head in heads]}))
    found = {event.pk: event for event in events}
    if can_skip and len(mailboxes) > 1:
        clear_tried(db, {event.mailbox for event in found.values()})
    missed: set[str] = set()
    for head in heads:
        if head.key not in found:
            missed.add(head.mailbox)
        elif head.mailbox not in missed:
            yield found[head.key]


def _fresh(db: str, can_skip: bool, *, keys: Any) -> QuerySet[WebhookEvent]:
    events = pending(db).filter(any_of("pk", keys), FRESH).only(*READ)
    if not can_skip:
        return events
    mailbox = Mailbox._meta.db_table
    # Nothing but the text tells which mailbox is an event's: there is no foreign key, for
    # an event is stored before its mailbox is made.
    its_own = f"{mailbox}.key = {WebhookEvent._meta.db_table}.mailbox"
    with_mailboxes = events.extra(tables=[mailbox], where=[its_own])  # noqa: S610
    return with_mailboxes.select_for_update(skip_locked=True)


def _readings(
    events: Iterator[WebhookEvent], provider: Provider, known: dict[UUID, Reading], done: Batched
) -> Iterator[tuple[WebhookEvent, Reading]]:
    """
    Yield what the events say, of each mailbox up to one that says nothing readable.

    What is `known` from an earlier try is not read again.
    """
    for event in events:
        if done.is_stopped(event.mailbox):
            continue
        try:
            if event.pk not in known and not confirming.is_owed(event, provider):
                known[event.pk] = read(event, provider)
        except Exception as error:
            # What exactly is wrong with it is told of when it is worked by itself.
            logger.debug("Event %s cannot be read: %s.", event.pk, type(error).__name__)
        if event.pk in known:
            yield event, known[event.pk]
        else:
            done.alone[event.mailbox] = None


def _mark(
    db: str, provider: Provider, taken: Sequence[Told], effects: Sequence[Effect]
) -> list[Step]:
    """
    Note what the events did, and that those are done of which nobody is to be told.

    Return what is to be told of them in the log and in metrics, if anybody listens. The
    events have their outcome then.
    """
    now = timezone.now()
    rows = [
        (event.pk, *_marks(event, is_told, effect, provider, now))
        for (event, is_told), effect in zip(taken, effects, strict=True)
    ]
    write_each(db, [], [Update(WebhookEvent, MARKED, rows)])
    for (event, _), (_, _, outcome, *_) in zip(taken, rows, strict=True):
        event.outcome = outcome
    if not is_heard(Name.PROCESSED):
        return []
    return [_step(event, is_told, now) for event, is_told in taken]


def _step(event: WebhookEvent, is_told: bool, now: datetime) -> Step:
    if is_told:
        return step_of(Name.APPLIED, event, attempts=None)
    return step_of(Name.PROCESSED, event, attempts=1, **ages(event, now))


def _marks(
    event: WebhookEvent, is_told: bool, effect: Effect, provider: Provider, now: datetime
) -> tuple[Any, ...]:
    """Return the values of MARKED."""
    state = WebhookEvent.State.PENDING if is_told else WebhookEvent.State.PROCESSED
    changes = (
        projection.combined(event.changes, effect.changes) if event.changes else effect.changes
    )
    return (
        state,
        outcome_of(event, effect, is_known=event.event_type in provider.signals),
        0 if is_told else 1,
        event.next_attempt_at if is_told else None,
        now,
        None if is_told else now,
        changes,
        effect.customer_id or event.customer_id,
    )
