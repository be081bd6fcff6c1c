"""What the provider's own API says of an event, asked before the event is applied."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from concurrent.futures import Future, wait
from threading import Thread
from typing import Any, TypeAlias

from billing_webhooks import attempts
from billing_webhooks.conf import settings
from billing_webhooks.exceptions import NotConfirmed
from billing_webhooks.models import WebhookEvent
from billing_webhooks.providers.base import Provider, Trust

# Well below the time after which a worker that takes no step is held to be dead.
SIGN_OF_LIFE_SECONDS = 0.5
LONGEST_SECONDS = 60.0

Said: TypeAlias = Mapping[str, Any] | None


def is_owed(event: WebhookEvent, provider: Provider) -> bool:
    """
    Return whether an event may not be applied before the provider's API was asked.

    One that was applied before is not asked about anew: the API knows what is, not what was.
    """
    return (
        provider.confirms
        and event.event_type in provider.signals
        and not event.outcome
        and not event.confirmation
    )


def confirm(db: str, event: WebhookEvent, provider: Provider) -> bool:
    """
    Ask the provider's API about an event and return whether it has said something.

    That is in the event then, for `keep` to store. No transaction is open meanwhile, so
    the worker gives a sign of life now and then. Raise NotConfirmed if the API does not
    know what the event says, and MailboxTaken if the attempt was ended by somebody else.
    """
    answer: Future[Said] = Future()
    may_wait = event.attempts == 1 < settings.MAX_ATTEMPTS
    question = (answer, provider, event.event_type, event.payload, may_wait)
    Thread(target=_ask, args=question, daemon=True).start()
    said = _awaited(db, event, answer)
    if said is None:
        return False
    event.confirmation = json.dumps(said, sort_keys=True, separators=(",", ":")).encode()
    event.trust = Trust.CONFIRMED
    return True


def keep(db: str, event: WebhookEvent) -> None:
    """Store the confirmation, in the transaction in which the event is applied."""
    WebhookEvent._base_manager.using(db).filter(pk=event.pk).update(
        confirmation=event.confirmation, trust=event.trust
    )


def _ask(
    answer: Future[Said],
    provider: Provider,
    event_type: str,
    payload: Mapping[str, Any],
    may_wait: bool,
) -> None:
    try:
        answer.set_result(provider.confirm(event_type, payload, may_wait=may_wait))
    except Exception as error:
        answer.set_exception(error)


def _awaited(db: str, event: WebhookEvent, answer: Future[Said]) -> Said:
    end = time.monotonic() + LONGEST_SECONDS
    while time.monotonic() < end:
        wait([answer], SIGN_OF_LIFE_SECONDS)
        if answer.done():
            return answer.result()
        with attempts.step(db, event):
            """Nothing to do but to be seen, and to see whether the attempt goes on."""
    raise NotConfirmed(f"The provider's API takes longer than {LONGEST_SECONDS:.0f} seconds.")
