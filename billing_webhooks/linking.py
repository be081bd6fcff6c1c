"""
Whose a customer is: the project's resolver is asked, and its answer becomes links.

It is asked once for each event of a customer that has no user yet; where an organisation
is known, for every event, because more people join it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from asgiref.sync import async_to_sync, iscoroutinefunction
from django.contrib.auth import get_user_model
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction
from django.db.models import Model, Q

from billing_webhooks.conf import settings
from billing_webhooks.database import write_alias
from billing_webhooks.exceptions import NotAUser, RetryLater
from billing_webhooks.harmless import get_logger
from billing_webhooks.models import Customer, CustomerLink, ReceiverRun, WebhookEvent
from billing_webhooks.models.customers import key_of
from billing_webhooks.notifications import Notification
from billing_webhooks.signals import EventSignal, Receiver, customer_linked

logger = get_logger(__name__)

LONGEST_SUBJECT: int = ReceiverRun._meta.get_field("subject").max_length or 0


class Question(EventSignal):
    """
    What the resolver is asked by: it is run, remembered and retried as receivers are.

    One that cannot be imported fails when it is called, like one that raises.
    """

    def connected(self) -> dict[str, Receiver]:
        return {settings.USER_RESOLVER: _ask} if settings.USER_RESOLVER else {}


user_resolver = Question("user_resolver")


def questions(db: str, event: WebhookEvent) -> Iterator[Notification]:
    """Yield the question whose an event's customer is, if it is to be asked at all."""
    if user_resolver.connected() and event.customer_id is not None and _is_open(db, event):
        yield Notification(user_resolver)


def is_told_with(event: WebhookEvent, run: ReceiverRun) -> bool:
    """Return whether a receiver hears what came of a replay for the resolver alone."""
    return run.signal == customer_linked.name and event.only_receiver == settings.USER_RESOLVER


def users_of(customer: Customer, event: WebhookEvent | None) -> list[Model]:
    """
    Return whom the resolver names.

    Raise NotAUser for anything but saved users, and ImproperlyConfigured if there is no
    resolver; else what the resolver raises.
    """
    resolver = settings.function("USER_RESOLVER")
    if resolver is None:
        raise ImproperlyConfigured("BILLING_WEBHOOKS_USER_RESOLVER names no function to ask.")
    call = async_to_sync(resolver) if iscoroutinefunction(resolver) else resolver
    answer: Any = call(customer, event)
    if answer is None:
        return []
    found = [answer] if isinstance(answer, get_user_model()) else answer
    if isinstance(found, str | Mapping) or not isinstance(found, Iterable):
        raise NotAUser(
            f"{settings.USER_RESOLVER} must return a user, users or None, "
            f"not {type(answer).__name__}."
        )
    users = list(found)
    for user in users:
        key_of(user)
    return users


def by_email(customer: Customer, event: WebhookEvent | None) -> Model | None:
    """
    Return the one active user with the customer's e-mail address, None for none or several.

    A resolver to be named in BILLING_WEBHOOKS_USER_RESOLVER, and off by default because
    addresses need not be proven. A user who could register somebody else's address would
    get what that customer pays for; who can put one of your user's addresses into the
    provider's account decides what that user has. Name it only if nobody can use an
    address, here or there, before having answered a mail sent to it.
    """
    users = get_user_model()
    field = users.get_email_field_name()
    if not customer.email:
        return None
    named = users._default_manager.filter((f"{field}__iexact", customer.email))
    wanted = _folded(customer.email)
    found = [user for user in named if user.is_active and _folded(getattr(user, field)) == wanted]
    return found[0] if len(found) == 1 else None


def _folded(email: str) -> str:
    # Databases hold letters to be equal that are not: "é" and "e", or two that look alike.
    return email.lower() if email.isascii() else email


@dataclass
class Asked:
    """How many customers without a user were asked for, and what came of it."""

    customers: int = 0
    linked: int = 0
    links: int = 0
    failed: int = 0


def ask_again(
    provider: str | None = None, *, tell: Callable[[int, int], None] = lambda done, of: None
) -> Asked:
    """
    Ask the resolver, with `event` None, for each customer that has no user.

    Each customer is a transaction of its own, and a resolver or receiver that fails for
    one is logged. Raise ImproperlyConfigured without a resolver. `tell` is called with the
    number of customers done, and of all.
    """
    if settings.function("USER_RESOLVER") is None:
        raise ImproperlyConfigured("BILLING_WEBHOOKS_USER_RESOLVER names no function to ask.")
    asked = Asked()
    keys = list(unlinked(provider).values_list("pk", flat=True))
    for done, key in enumerate(keys, start=1):
        try:
            new = _link_one(key)
        except Exception:
            logger.exception("Nobody could be linked to customer %s.", key)
            asked.failed += 1
        else:
            asked.links += new
            asked.linked += new > 0
        asked.customers += 1
        tell(done, len(keys))
    return asked


def unlinked(provider: str | None = None) -> Any:
    """Return the customers without a user, of one alias if it is given."""
    customers = Customer.objects.using(write_alias()).unlinked().order_by("pk")
    return customers if provider is None else customers.filter(provider=provider)


def _link_one(key: int) -> int:
    """Return how many users were linked to a customer, none if it is gone."""
    db = write_alias()
    customers = Customer._base_manager.using(db).filter(pk=key)
    with transaction.atomic(using=db):
        customer = customers.first()
        users = [] if customer is None else users_of(customer, None)
        locked = customers.select_for_update().first()
        if locked is None:
            return 0
        return sum(locked.link(user, resolver=settings.USER_RESOLVER) for user in users)


def _is_open(db: str, event: WebhookEvent) -> bool:
    customers = Customer.objects.using(db).filter(events=event.pk)
    nobody = Q(pk__in=Customer.objects.using(db).unlinked().values("pk"))
    return customers.filter(nobody | ~Q(organization_code="")).exists()


def _ask(event: WebhookEvent, customer: Customer | None, **arguments: Any) -> None:
    """Link whom the resolver names, and note in the event of whom is to be told."""
    db = write_alias()
    users = [] if customer is None else users_of(customer, event)
    owner = _locked(db, event)
    if owner is None:
        return
    new = [user for user in users if CustomerLink.make(owner, user, settings.USER_RESOLVER)]
    _note(db, event, new)


def _locked(db: str, event: WebhookEvent) -> Customer | None:
    """
    Return whose event it is, who will not be merged or deleted any more before the commit.

    Raise RetryLater if that has just happened.
    """
    events = WebhookEvent._base_manager.using(db).filter(pk=event.pk)
    key = events.values_list("customer", flat=True).get()
    locked = Customer._base_manager.using(db).select_for_update().filter(pk=key).first()
    if locked is None and key is not None:
        raise RetryLater("The customer was merged into another while the resolver was asked.")
    return locked


def _note(db: str, event: WebhookEvent, users: Iterable[Model]) -> None:
    told = {entry.get("subject") for entry in event.changes}
    entries = [entry for entry in map(_entry, users) if entry["subject"] not in told]
    if entries:
        WebhookEvent._base_manager.using(db).filter(pk=event.pk).update(
            changes=[*event.changes, *entries]
        )


def _entry(user: Any) -> dict[str, Any]:
    key = user._meta.pk.value_to_string(user)
    subject = f"user:{key}"
    if len(subject) > LONGEST_SUBJECT:
        subject = hashlib.sha256(subject.encode()).hexdigest()
    return {"signals": [customer_linked.name], "subject": subject, "data": {"user": key}}
