"""From a delivery to a committed event."""

from __future__ import annotations

import logging
import random
import re
import time
from collections.abc import Mapping

from django.db import Error, IntegrityError
from django.db.models import F

from billing_webhooks import dispatch
from billing_webhooks.database import (
    DatabaseTime,
    close_if_broken,
    is_transient,
    savepoint_if_in_transaction,
    write_alias,
)
from billing_webhooks.exceptions import CannotStoreNow
from billing_webhooks.models import WebhookEvent
from billing_webhooks.models.inbox import idempotency_key
from billing_webhooks.providers.base import Delivery, Envelope, Provider

logger = logging.getLogger(__name__)

SHORTEST_PAUSE_SECONDS = 0.05
LONGEST_PAUSE_SECONDS = 0.5
# No sender waits longer, and a web server may end the worker that does.
TRY_FOR_SECONDS = 8.0
MAX_HEADER_LENGTH = 200
MAX_MAILBOX_LENGTH = 200

_UNPRINTABLE = re.compile(r"[^ -~]")


def accept(provider: Provider, delivery: Delivery) -> Envelope:
    """
    Return the envelope of a delivery that is proven and committed.

    Raise a subclass of Refused for one that is not proven, and CannotStoreNow if every
    attempt to commit it failed. Whatever goes wrong after the commit is not the
    sender's business. A readable event is logged here, before it is worked; all else is
    the caller's to log.
    """
    envelope = provider.verify(delivery)
    event = _event(provider, delivery, envelope)
    is_duplicate = not _store(event)
    if not envelope.problem:
        logger.info(
            "%s event of %s (%s).",
            "Counted a repeated" if is_duplicate else "Stored a new",
            provider.alias,
            event.pk,
        )
        dispatch.wake(event.mailbox)
    return envelope


def _event(provider: Provider, delivery: Delivery, envelope: Envelope) -> WebhookEvent:
    event = WebhookEvent(
        provider=provider.alias,
        received_at=delivery.received_at,
        next_attempt_at=DatabaseTime(),
        body=delivery.body,
        headers=_kept_headers(provider, delivery.headers),
        trust=envelope.trust,
    )
    address(event, envelope)
    if envelope.problem:
        event.state = WebhookEvent.State.QUARANTINED
        event.last_error = envelope.problem
        event.next_attempt_at = None
    return event


def address(event: WebhookEvent, envelope: Envelope) -> None:
    """Write on an event what its envelope says: what it is, whose, when, and known by what."""
    event.event_type = envelope.event_type
    event.external_id = envelope.external_id
    event.mailbox = _mailbox(event.provider, envelope.subject)
    event.occurred_at = envelope.occurred_at or event.received_at
    event.sequence = envelope.external_id or event.pk.hex
    if envelope.identity is not None:
        event.idempotency_key = idempotency_key(event.provider, envelope.identity)


def _mailbox(alias: str, subject: str) -> str:
    mailbox = f"{alias}:{subject}"
    # Cutting may put two long names into one mailbox: they then wait for each other,
    # which does no harm.
    return _UNPRINTABLE.sub("?", mailbox)[:MAX_MAILBOX_LENGTH]


def _kept_headers(provider: Provider, headers: Mapping[str, str]) -> dict[str, str]:
    return {
        name: _UNPRINTABLE.sub("?", headers[name])[:MAX_HEADER_LENGTH]
        for name in provider.kept_headers
        if name in headers
    }


def _store(event: WebhookEvent) -> bool:
    """Return True for a new event and False for a repeated one, counted on the first."""
    deadline = time.monotonic() + TRY_FOR_SECONDS
    longest_pause = SHORTEST_PAUSE_SECONDS
    while True:
        try:
            return _insert(event)
        except Error as error:
            if not is_transient(error):
                # The class alone: the message may quote the row.
                cause = type(error.__cause__ or error).__name__
                raise CannotStoreNow("not_stored", cause) from error
            # The commit may have happened although its answer was lost. The event keeps
            # its primary key, so the next try either stores it or finds it.
            close_if_broken(write_alias())
            pause = random.uniform(longest_pause / 2, longest_pause)  # noqa: S311
            if time.monotonic() + pause > deadline:
                raise CannotStoreNow("database_unavailable") from error
            time.sleep(pause)
            longest_pause = min(2 * longest_pause, LONGEST_PAUSE_SECONDS)


def _insert(event: WebhookEvent) -> bool:
    alias = write_alias()
    try:
        with savepoint_if_in_transaction(alias):
            event.save(using=alias, force_insert=True)
    except IntegrityError:
        # Many things break a constraint. It was a duplicate only if the event is there,
        # and it was this very event if an earlier try was committed after all.
        events = WebhookEvent._base_manager.using(alias)
        if event.idempotency_key is not None:
            original = events.filter(idempotency_key=event.idempotency_key).exclude(pk=event.pk)
            if original.update(deliveries=F("deliveries") + 1):
                return False
        if not events.filter(pk=event.pk).exists():
            raise
    return True
