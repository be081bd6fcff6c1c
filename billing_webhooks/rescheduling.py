"""Pending events are tried at once, or given up, because somebody says so."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from billing_webhooks import attempts, dispatch, lifecycle
from billing_webhooks.database import DatabaseTime, patiently, write_alias
from billing_webhooks.lifecycle import Name, step_of
from billing_webhooks.models import ReceiverRun, WebhookEvent
from billing_webhooks.replaying import Handled, keys_of

Tell = Callable[[int, int], None]

# What a step says of an event.
TOLD = ("provider", "event_type", "outcome", "attempts")
UNDONE = (ReceiverRun.State.STARTED, ReceiverRun.State.FAILED)


def retry_now(events: Iterable[WebhookEvent], *, tell: Tell = lambda done, of: None) -> Handled:
    """
    Make pending events due at once, whatever they wait for, and wake whoever works them.

    Their attempts stay counted. `tell` is called with the number of events done, and of
    all.
    """
    db = write_alias()
    mailboxes: dict[str, None] = {}

    def retry(key: UUID) -> WebhookEvent | None:
        event = _waiting(db, key).only(*TOLD, "mailbox").first()
        if event is None or not _waiting(db, key).update(next_attempt_at=DatabaseTime()):
            return None
        mailboxes[event.mailbox] = None
        return event

    handled = _each(db, events, Name.RETRIED, retry, tell)
    for mailbox in mailboxes:
        transaction.on_commit(partial(dispatch.wake, mailbox), using=db)
    return handled


def give_up(events: Iterable[WebhookEvent], *, tell: Tell = lambda done, of: None) -> Handled:
    """
    Let pending events be dead, and what their receivers have not done be given up.

    A replay takes it back. `tell` is called with the number of events done, and of all.
    """
    db = write_alias()

    def give_up_one(key: UUID) -> WebhookEvent | None:
        with transaction.atomic(using=db):
            event = _waiting(db, key).only(*TOLD).first()
            given_up = _waiting(db, key).update(
                state=WebhookEvent.State.DEAD,
                next_attempt_at=None,
                only_receiver="",
                processed_at=timezone.now(),
            )
            runs = ReceiverRun._base_manager.using(db).filter(event=key)
            if given_up:
                runs.filter(state__in=UNDONE).update(state=ReceiverRun.State.GIVEN_UP)
        return event if given_up else None

    return _each(db, events, Name.GIVEN_UP, give_up_one, tell)


def _waiting(db: str, key: UUID) -> QuerySet[WebhookEvent]:
    """Return the event's row if it is pending and nobody is at it."""
    return attempts.pending(db).filter(pk=key, attempt_began_at=None)


def _each(
    db: str,
    events: Iterable[WebhookEvent],
    name: Name,
    change: Callable[[UUID], WebhookEvent | None],
    tell: Tell,
) -> Handled:
    """Change each event, tell it as a step of this name, and count those that it was refused."""
    keys = keys_of(events)
    handled = Handled()
    for done, key in enumerate(keys, start=1):
        if event := patiently(db, partial(change, key)):
            handled.keys.append(key)
            transaction.on_commit(partial(lifecycle.tell, step_of(name, event)), using=db)
        else:
            handled.refused[_why_not(db, key)] += 1
        tell(done, len(keys))
    return handled


def _why_not(db: str, key: UUID) -> str:
    is_pending = attempts.pending(db).filter(pk=key).exists()
    return _("It is being worked now.") if is_pending else _("It is not pending.")
