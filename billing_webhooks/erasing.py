"""
One customer is forgotten: rows, bodies and payloads go, and what keeps events single stays.

An erased event keeps its key, type, times and state. Sent again, it is still a repeated
one, and brings nobody back.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from itertools import chain
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from billing_webhooks.database import batches, write_alias
from billing_webhooks.emptying import empty
from billing_webhooks.exceptions import BillingWebhooksError
from billing_webhooks.lifecycle import Name, Step, step_of, tell
from billing_webhooks.mailboxes import MailboxTaken, turn
from billing_webhooks.models import (
    Customer,
    CustomerIdentity,
    Job,
    Mailbox,
    Subscription,
    WebhookEvent,
)
from billing_webhooks.models.jobs import REPORTS

# What events of a customer are kept in order by: its own name, or its organisation's.
SUBJECTS = ("customer", "organization")
# A shorter name may well be part of something else.
SHORTEST_NAME = 6
EVENTS_AT_A_TIME = 200


class AlreadyErased(BillingWebhooksError):
    """The customer is gone: erased, or merged into another."""


@dataclass(frozen=True)
class Erased:
    """How many rows were deleted, by model, and how many events lost what they said."""

    rows: dict[str, int]
    events: int


def erase(customer: Customer) -> Erased:
    """
    Delete a customer with all that belongs to it, and empty the events about it.

    Events that are no customer's are searched for its ids and e-mail address. What was
    still to be done for the customer is given up, and what previews in the admin have told
    is forgotten. Rows of the project's own, such as the user, are not touched. Raise
    AlreadyErased if there is no such customer any more.
    """
    db = write_alias()
    names = _names(db, customer)
    mailboxes = _mailboxes(db, customer)
    strays = [event.pk for event in _unattributed(db) if _mentions(event, names)]
    about = Q(customer=customer.pk) | Q(customer=None, mailbox__in=mailboxes) | Q(pk__in=strays)
    with transaction.atomic(using=db), ExitStack() as turns:
        # In the order of everybody: first the mailboxes, then the rows.
        for mailbox in Mailbox._base_manager.using(db).filter(pk__in=mailboxes).order_by("pk"):
            try:
                turns.enter_context(turn(db, mailbox.pk, wait=True))
            except MailboxTaken as error:
                # It was there, and only to be erased do they go.
                raise AlreadyErased(f"Customer {customer.pk} is being erased.") from error
        rows = Customer._base_manager.using(db).select_for_update().filter(pk=customer.pk)
        locked = rows.first()
        if locked is None:
            raise AlreadyErased(f"Customer {customer.pk} is gone.")
        events = list(_events(db).filter(about).values_list("pk", flat=True))
        for first in range(0, len(events), EVENTS_AT_A_TIME):
            _forget(db, events[first : first + EVENTS_AT_A_TIME])
        _, deleted = locked.delete(using=db)
        _mailboxes_of_nobody(db, mailboxes).delete()
        step = Step(Name.ERASED, customer.provider, count=len(events))
        transaction.on_commit(partial(tell, step), using=db)
    _forget_reports(db)
    return Erased({_name(label): count for label, count in deleted.items() if count}, len(events))


def _forget_reports(db: str) -> None:
    """Forget what previews have told: any of them may have told of the customer."""
    jobs = Job._base_manager.using(db)
    # By their keys, and with no other lock held: one may be under way, and wait for a row.
    told = list(jobs.filter(action__in=REPORTS).exclude(result={}).values_list("pk", flat=True))
    jobs.filter(pk__in=told).update(result={})


def _forget(db: str, keys: Sequence[UUID]) -> None:
    """Empty events and let nothing in them say whose they were."""
    empty(db, keys)
    events = _events(db).filter(pk__in=keys)
    pending = events.filter(state=WebhookEvent.State.PENDING)
    for event in pending.only("provider", "event_type", "outcome", "attempts"):
        step = step_of(Name.GIVEN_UP, event, reason="erased")
        transaction.on_commit(partial(tell, step), using=db)
    pending.update(
        state=WebhookEvent.State.DEAD,
        next_attempt_at=None,
        attempt_began_at=None,
        only_receiver="",
        processed_at=timezone.now(),
    )
    for provider in set(events.values_list("provider", flat=True)):
        events.filter(provider=provider).update(
            content_digest="", customer=None, mailbox=f"{provider}:erased"
        )


def _events(db: str) -> QuerySet[WebhookEvent]:
    return WebhookEvent._base_manager.using(db)


def _names(db: str, customer: Customer) -> set[str]:
    """Return what nobody but the customer is called: an organisation may have others."""
    subscriptions = Subscription._base_manager.using(db).filter(customer=customer.pk)
    names = {customer.external_id, customer.email, customer.user_external_id}
    names.update(subscriptions.values_list("external_id", flat=True))
    return {name for name in names if len(name) >= SHORTEST_NAME}


def _mailboxes(db: str, customer: Customer) -> set[str]:
    identities = CustomerIdentity._base_manager.using(db).filter(row=customer.pk)
    made = {
        f"{customer.provider}:{subject}:{value}"
        for value in identities.values_list("value", flat=True)
        for subject in SUBJECTS
    }
    used = _events(db).filter(customer=customer.pk).order_by().values_list("mailbox", flat=True)
    return made | set(used.distinct())


def _mailboxes_of_nobody(db: str, mailboxes: set[str]) -> QuerySet[Mailbox]:
    used = set(_events(db).filter(mailbox__in=mailboxes).values_list("mailbox", flat=True))
    return Mailbox._base_manager.using(db).filter(pk__in=mailboxes - used)


def _unattributed(db: str) -> Iterator[WebhookEvent]:
    events = (
        _events(db).filter(customer=None, pruned_at=None).only("provider", "body", "confirmation")
    )
    return chain.from_iterable(batches(events, EVENTS_AT_A_TIME))


def _mentions(event: WebhookEvent, names: set[str]) -> bool:
    try:
        said = json.dumps([event.payload, event.confirmed], default=str, ensure_ascii=False)
    except Exception:
        # It cannot be read: then its bytes are all there is.
        said = bytes(event.body).decode(errors="replace")
    return any(name in said for name in names)


def _name(label: str) -> str:
    return label.removeprefix("billing_webhooks.")
