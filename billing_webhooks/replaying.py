"""
Stored events are worked once more: after a fix, or for a receiver that is new.

What an event has done stays done: a receiver that has succeeded for it does not run
again, unless it is named and that is asked for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from uuid import UUID

from django.core.exceptions import ImproperlyConfigured
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from billing_webhooks import dispatch, lifecycle, receivers, tracing
from billing_webhooks.conf import settings
from billing_webhooks.database import DatabaseTime, patiently, write_alias
from billing_webhooks.exceptions import CannotReplay, Refused
from billing_webhooks.intake import address
from billing_webhooks.linking import user_resolver
from billing_webhooks.models import ReceiverRun, WebhookEvent
from billing_webhooks.providers import get_provider
from billing_webhooks.providers.base import Provider
from billing_webhooks.signals import DOMAIN_SIGNALS, event_processed

State = WebhookEvent.State

ADDRESS = (
    "event_type",
    "external_id",
    "mailbox",
    "occurred_at",
    "sequence",
    "idempotency_key",
    "content_digest",
)
STANDING = (
    "state",
    "replays",
    "only_receiver",
    "attempts",
    "next_attempt_at",
    "applied_at",
    "processed_at",
    "last_error",
)


@dataclass(frozen=True)
class Scope:
    """
    Which receivers a replay is for: one, by its identity, or with "" all that have not
    succeeded. `again` runs that one even where it has. `releases` leaves everything out
    that is not in quarantine.
    """

    receiver: str = ""
    again: bool = False
    releases: bool = False


EVERYTHING = Scope()
FROM_QUARANTINE = Scope(releases=True)


class Reason(StrEnum):
    """Why an event cannot be worked once more, for programs; people are told in words."""

    GONE = "gone"
    NOT_IN_QUARANTINE = "not_in_quarantine"
    BEING_WORKED = "being_worked"
    PRUNED = "pruned"
    PENDING = "pending"
    NEVER_APPLIED = "never_applied"
    NO_PROVIDER = "no_provider"
    NO_EVENT = "no_event"
    READING_FAILED = "reading_failed"
    REPEATED = "repeated"
    SUCCEEDED = "succeeded"
    NOT_LISTENING = "not_listening"


@dataclass
class Handled:
    """
    Which events it was done for, and for how many it was not, by the reason.

    `codes` are the same reasons, for programs.
    """

    keys: list[UUID] = field(default_factory=list)
    refused: Counter[str] = field(default_factory=Counter)
    codes: Counter[str] = field(default_factory=Counter)


def replay(
    events: Iterable[WebhookEvent],
    scope: Scope = EVERYTHING,
    *,
    tell: Callable[[int, int], None] = lambda done, of: None,
) -> Handled:
    """
    Make events due again in this order, and then wake whoever works them.

    Each is read and applied anew, and told to the receivers that have not succeeded for
    it. One in quarantine is released, if it can be read as an event by now. Of a query
    set, nothing but the keys is loaded. `tell` is called with the number of steps done,
    and of all: one for each event, and one for each mailbox that is woken.
    """
    db = write_alias()
    keys = keys_of(events)
    replayed = Handled()
    mailboxes: dict[str, None] = {}
    for done, key in enumerate(keys, start=1):
        try:
            event = patiently(db, partial(_make_due, db, key, scope))
            mailboxes[event.mailbox] = None
            transaction.on_commit(partial(lifecycle.tell, _step(event, scope)), using=db)
            replayed.keys.append(key)
        except CannotReplay as error:
            replayed.refused[str(error)] += 1
            replayed.codes[error.code] += 1
        tell(done, len(keys))
    for done, mailbox in enumerate(mailboxes, start=1):
        # Where the caller is in a transaction, nobody sees before its end what is due.
        transaction.on_commit(partial(dispatch.wake, mailbox), using=db)
        tell(len(keys) + done, len(keys) + len(mailboxes))
    return replayed


def release(
    events: Iterable[WebhookEvent], *, tell: Callable[[int, int], None] = lambda done, of: None
) -> Handled:
    """Work what is in quarantine and can be read as an event by now; refuse everything else."""
    return replay(events, FROM_QUARANTINE, tell=tell)


def keys_of(events: Iterable[WebhookEvent]) -> list[UUID]:
    if isinstance(events, QuerySet):
        return list(events.values_list("pk", flat=True))
    return [event.pk for event in events]


def receiver_names() -> set[str]:
    """Return the identities of all receivers that are connected now, and of the resolver."""
    signals = [*DOMAIN_SIGNALS.values(), event_processed, user_resolver]
    for alias in settings.PROVIDERS:
        signals += get_provider(alias).signals.values()
    return {identity for signal in signals for identity in signal.connected()}


def _step(event: WebhookEvent, scope: Scope) -> lifecycle.Step:
    # One from quarantine is worked for the first time.
    name = lifecycle.Name.REPLAYED if event.replays else lifecycle.Name.RELEASED
    return lifecycle.step_of(name, event, receiver=scope.receiver)


def _make_due(db: str, key: UUID, scope: Scope) -> WebhookEvent:
    with transaction.atomic(using=db):
        event = make_due(db, key, scope)
        if tracing.replayed(event):
            event.save(using=db, update_fields=["traceparent"])
        return event


def make_due(db: str, key: UUID, scope: Scope) -> WebhookEvent:
    """
    Return the event, pending and due at once.

    Raise CannotReplay if it may not be; the caller's transaction is then to be rolled back.
    """
    event = WebhookEvent._base_manager.using(db).select_for_update().filter(pk=key).first()
    if event is None:
        raise CannotReplay(_("It is no longer there."), Reason.GONE)
    _refuse(event, scope)
    provider = _provider(event)
    was = State(event.state)
    if was == State.QUARANTINED:
        _release(db, event, provider)
    _forget_outcomes(db, event, scope)
    if scope.receiver:
        _owe(db, event, provider, scope, everything=was == State.DEAD)
    else:
        event.applied_at = None
    if was != State.QUARANTINED:
        # That one is worked for the first time.
        event.replays += 1
    event.only_receiver = scope.receiver
    event.state = State.PENDING
    event.attempts = 0
    event.last_error = ""
    event.processed_at = None
    event.next_attempt_at = DatabaseTime()
    event.save(using=db, update_fields=STANDING)
    return event


def _refuse(event: WebhookEvent, scope: Scope) -> None:
    if scope.releases and event.state != State.QUARANTINED:
        raise CannotReplay(_("It is not in quarantine."), Reason.NOT_IN_QUARANTINE)
    if event.attempt_began_at is not None:
        raise CannotReplay(_("It is being worked now."), Reason.BEING_WORKED)
    if event.pruned_at is not None:
        raise CannotReplay(_("It was pruned: what it said is gone."), Reason.PRUNED)
    if scope.receiver and event.state == State.PENDING:
        raise CannotReplay(_("It is pending: its receivers have yet to run."), Reason.PENDING)
    if scope.receiver and event.applied_at is None:
        raise CannotReplay(
            _("It was never applied: replay it for all receivers."), Reason.NEVER_APPLIED
        )


def _provider(event: WebhookEvent) -> Provider:
    try:
        return get_provider(event.provider)
    except KeyError as error:
        text = _("No provider is configured under '%(alias)s'.")
        raise CannotReplay(text % {"alias": event.provider}, Reason.NO_PROVIDER) from error
    except ImproperlyConfigured as error:
        raise CannotReplay(str(error), Reason.NO_PROVIDER) from error


def _release(db: str, event: WebhookEvent, provider: Provider) -> None:
    """Make an event of what was none when it arrived."""
    try:
        envelope = provider.envelope(event.opened_body, event.received_at)
    except Refused as error:
        raise CannotReplay(
            _("It is no event: %(why)s.") % {"why": error}, Reason.NO_EVENT
        ) from error
    except Exception as error:
        # A fault of the provider's, by which the other events must not suffer.
        text = _("Reading it failed with %(error)s.")
        raise CannotReplay(text % {"error": type(error).__name__}, Reason.READING_FAILED) from error
    if envelope.problem:
        raise CannotReplay(envelope.problem, Reason.NO_EVENT)
    address(event, envelope)
    try:
        with transaction.atomic(using=db):
            event.save(using=db, update_fields=ADDRESS)
    except IntegrityError as error:
        events = WebhookEvent._base_manager.using(db)
        original = events.filter(idempotency_key=event.idempotency_key).exclude(pk=event.pk).first()
        if original is None:
            raise
        raise CannotReplay(
            _("It repeats the event %(id)s.") % {"id": original.pk}, Reason.REPEATED
        ) from error


def _forget_outcomes(db: str, event: WebhookEvent, scope: Scope) -> None:
    """Let the receivers in scope be tried as if for the first time."""
    runs = ReceiverRun._base_manager.using(db).filter(event=event)
    if scope.receiver:
        runs = runs.filter(receiver=scope.receiver)
    if not scope.again:
        runs = runs.exclude(state=ReceiverRun.State.SUCCEEDED)
    runs.update(state=ReceiverRun.State.FAILED)


def _owe(
    db: str, event: WebhookEvent, provider: Provider, scope: Scope, *, everything: bool
) -> None:
    """
    Raise CannotReplay if the receiver has nothing to do for an event.

    With `everything`, note what the others have not done either: a dead event may have
    died before it was their turn, and that one of them has succeeded does not make it
    processed.
    """
    calls = receivers.unfinished(db, event, provider.signals.get(event.event_type))
    runs = [run for _, _, run in calls]
    if all(run.receiver != scope.receiver for run in runs):
        known = ReceiverRun._base_manager.using(db).filter(event=event, receiver=scope.receiver)
        if known.exists():
            raise CannotReplay(_("The receiver has succeeded for it already."), Reason.SUCCEEDED)
        raise CannotReplay(_("The receiver does not listen to it."), Reason.NOT_LISTENING)
    if everything:
        for run in runs:
            if run._state.adding and run.receiver != scope.receiver:
                run.state = ReceiverRun.State.FAILED
                run.save(using=db, force_insert=True)
