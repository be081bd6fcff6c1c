"""Pending events are tried at once, or given up, because somebody says so."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from billing_webhooks import attempts, dispatch
from billing_webhooks.database import DatabaseTime, patiently, write_alias
from billing_webhooks.models import ReceiverRun, WebhookEvent
from billing_webhooks.replaying import Handled, keys_of

Tell = Callable[[int, int], None]

UNDONE = (ReceiverRun.State.STARTED, ReceiverRun.State.FAILED)


def retry_now(events: Iterable[WebhookEvent], *, tell: Tell = lambda done, of: None) -> Handled:
    """
    Make pending events due at once, whatever they wait for, and wake whoever works them.

    Their attempts stay counted. `tell` is called with the number of events done, and of
    all.
    """
    db = write_alias()
    mailboxes: dict[str, None] = {}

    def retry(key: UUID) -> bool:
        waiting = _waiting(db, key)
        mailboxes.update(dict.fromkeys(waiting.values_list("mailbox", flat=True)))
        return waiting.update(next_attempt_at=DatabaseTime()) == 1

    handled = _each(db, events, retry, tell)
    for mailbox in mailboxes:
        transaction.on_commit(partial(dispatch.wake, mailbox), using=db)
    return handled


def give_up(events: Iterable[WebhookEvent], *, tell: Tell = lambda done, of: None) -> Handled:
    """
    Let pending events be dead, and what their receivers have not done be given up.

    A replay takes it back. `tell` is called with the number of events done, and of all.
    """
    db = write_alias()

    def give_up_one(key: UUID) -> bool:
        with transaction.atomic(using=db):
            given_up = _waiting(db, key).update(
                state=WebhookEvent.State.DEAD,
                next_attempt_at=None,
                only_receiver="",
                processed_at=timezone.now(),
            )
            runs = ReceiverRun._base_manager.using(db).filter(event=key)
            if given_up:
                runs.filter(state__in=UNDONE).update(state=ReceiverRun.State.GIVEN_UP)
        return given_up == 1

    return _each(db, events, give_up_one, tell)


def _waiting(db: str, key: UUID) -> QuerySet[WebhookEvent]:
    """Return the event's row if it is pending and nobody is at it."""
    return attempts.pending(db).filter(pk=key, attempt_began_at=None)


def _each(
    db: str, events: Iterable[WebhookEvent], change: Callable[[UUID], bool], tell: Tell
) -> Handled:
    keys = keys_of(events)
    handled = Handled()
    for done, key in enumerate(keys, start=1):
        if patiently(db, partial(change, key)):
            handled.keys.append(key)
        else:
            handled.refused[_why_not(db, key)] += 1
        tell(done, len(keys))
    return handled


def _why_not(db: str, key: UUID) -> str:
    is_pending = attempts.pending(db).filter(pk=key).exists()
    return _("It is being worked now.") if is_pending else _("It is not pending.")
