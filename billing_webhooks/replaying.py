"""
Stored events are worked once more: after a fix, or for a receiver that is new.

What an event has done stays done: a receiver that has succeeded for it does not run
again, unless it is named and that is asked for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.db import IntegrityError, transaction

from billing_webhooks import dispatch, projection, receivers
from billing_webhooks.conf import settings
from billing_webhooks.database import DatabaseTime, write_alias
from billing_webhooks.exceptions import CannotReplay, NotUnderstood, Refused
from billing_webhooks.intake import address
from billing_webhooks.models import ReceiverRun, WebhookEvent
from billing_webhooks.processing import read
from billing_webhooks.providers import get_provider
from billing_webhooks.providers.base import Provider
from billing_webhooks.signals import DOMAIN_SIGNALS, event_processed

State = WebhookEvent.State


@dataclass(frozen=True)
class Scope:
    """
    Which receivers a replay is for: one, by its identity, or with "" all that have not
    succeeded. `again` runs that one even where it has.
    """

    receiver: str = ""
    again: bool = False


EVERYTHING = Scope()


@dataclass
class Replayed:
    """How many events are due again, and how many are not, by the reason."""

    due: int = 0
    refused: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class Preview:
    """What a replay would do: entries as in `WebhookEvent.changes`, and receivers by name."""

    changes: list[dict[str, Any]]
    receivers: list[str]


def replay(events: Iterable[WebhookEvent], scope: Scope = EVERYTHING) -> Replayed:
    """
    Make events due again, and wake whoever works them.

    Each is read and applied anew, and told to the receivers that have not succeeded for
    it. One in quarantine is released, if it can be read as an event by now.
    """
    db = write_alias()
    replayed = Replayed()
    mailboxes: dict[str, None] = {}
    for event in events:
        try:
            with transaction.atomic(using=db):
                mailbox = _make_due(db, event, scope).mailbox
        except CannotReplay as error:
            replayed.refused[str(error)] += 1
        else:
            replayed.due += 1
            mailboxes[mailbox] = None
    for mailbox in mailboxes:
        dispatch.wake(mailbox)
    return replayed


def preview(event: WebhookEvent, scope: Scope = EVERYTHING) -> Preview:
    """
    Return what a replay of one event would do now, by doing it and rolling it back.

    Raise CannotReplay if it would be refused or could not be read.
    """
    db = write_alias()
    with transaction.atomic(using=db):
        try:
            return _tried(db, _make_due(db, event, scope))
        except NotUnderstood as error:
            raise CannotReplay(str(error)) from error
        finally:
            transaction.set_rollback(True, using=db)


def receiver_names() -> set[str]:
    """Return the identities of all receivers that are connected now."""
    signals = [*DOMAIN_SIGNALS.values(), event_processed]
    for alias in settings.PROVIDERS:
        signals += get_provider(alias).signals.values()
    return {identity for signal in signals for identity in signal.connected()}


def _make_due(db: str, event: WebhookEvent, scope: Scope) -> WebhookEvent:
    """Return the event, pending and due at once. Raise CannotReplay if it may not be."""
    event = WebhookEvent._base_manager.using(db).select_for_update().get(pk=event.pk)
    _refuse(event, scope)
    if event.state == State.QUARANTINED:
        _release(event)
    elif not scope.receiver:
        event.applied_at = None
    event.only_receiver = scope.receiver
    event.state = State.PENDING
    event.attempts = 0
    event.last_error = ""
    event.processed_at = None
    event.next_attempt_at = DatabaseTime()
    try:
        with transaction.atomic(using=db):
            event.save(using=db)
    except IntegrityError as error:
        raise CannotReplay("It repeats another event.") from error
    _forget_outcomes(db, event, scope)
    return event


def _refuse(event: WebhookEvent, scope: Scope) -> None:
    if event.attempt_began_at is not None:
        raise CannotReplay("It is being worked now.")
    if event.pruned_at is not None:
        raise CannotReplay("It was pruned: what it said is gone.")
    if scope.receiver and event.state == State.PENDING:
        raise CannotReplay("It is pending: its receivers have yet to run.")
    if scope.receiver and event.applied_at is None:
        raise CannotReplay("It was never applied: replay it for all receivers.")


def _release(event: WebhookEvent) -> None:
    try:
        envelope = _provider(event).envelope(bytes(event.body), event.received_at)
    except Refused as error:
        raise CannotReplay(f"It is no event: {error}.") from error
    if envelope.problem:
        raise CannotReplay(envelope.problem)
    address(event, envelope)


def _forget_outcomes(db: str, event: WebhookEvent, scope: Scope) -> None:
    """Let the receivers in scope be tried as if for the first time."""
    runs = ReceiverRun._base_manager.using(db).filter(event=event)
    if scope.receiver:
        runs = runs.filter(receiver=scope.receiver)
    if not scope.again:
        runs = runs.exclude(state=ReceiverRun.State.SUCCEEDED)
    runs.update(state=ReceiverRun.State.FAILED)


def _tried(db: str, event: WebhookEvent) -> Preview:
    provider = _provider(event)
    effect_changes: list[dict[str, Any]] = []
    if event.applied_at is None:
        reading = read(event, provider)
        resolution = projection.prepare(db, event.provider, [reading])
        effect_changes = projection.apply(db, event.provider, [reading], resolution)[0].changes
        event.changes = projection.combined(event.changes, effect_changes)
    calls = receivers.unfinished(db, event, provider.signals.get(event.event_type))
    names = dict.fromkeys(
        run.receiver for _, _, run in calls if event.only_receiver in {"", run.receiver}
    )
    return Preview(effect_changes, list(names))


def _provider(event: WebhookEvent) -> Provider:
    try:
        return get_provider(event.provider)
    except KeyError as error:
        raise CannotReplay(f"No provider is configured under {event.provider!r}.") from error
