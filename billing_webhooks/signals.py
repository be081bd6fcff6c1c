"""
The signals a project can receive.

`EventSignal` is Django's `Signal` that also knows its receivers by a name that
survives a restart, so that each can be run, remembered and retried by itself.
The domain signals below speak of both providers in the same words; the signals of
one provider's own event types are in `billing_webhooks.providers.<name>.signals`.

Every receiver is called with `sender` (the class `WebhookEvent`), `signal`, `event`,
`customer` (or None) and `is_replay`, whether the event was made due again by a replay.
What else each signal passes stands above it.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Hashable
from typing import Any

from django.dispatch import Signal

from billing_webhooks.exceptions import DuplicateReceiver

Receiver = Callable[..., Any]


class EventSignal(Signal):
    """A signal whose receivers are run one by one, each in its own transaction."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name
        self._receivers_by_identity: dict[str, Callable[[], Receiver | None]] = {}

    def __repr__(self) -> str:
        return f"<EventSignal {self.name}>"

    def connect(
        self,
        receiver: Receiver,
        sender: object | None = None,
        weak: bool = True,
        dispatch_uid: Hashable | None = None,
    ) -> None:
        """
        Connect a receiver as Django's `Signal.connect` does.

        Raise DuplicateReceiver if another live receiver has the same identity.
        """
        identity = receiver_identity(receiver, dispatch_uid)
        known = self._receivers_by_identity.get(identity, lambda: None)()
        if known is not None and known != receiver and not _is_reimport(known, receiver):
            raise DuplicateReceiver(
                f"Two receivers of {self.name} are called {identity!r}; connect one of them "
                f"with a dispatch_uid of its own."
            )
        super().connect(receiver, sender=sender, weak=weak, dispatch_uid=dispatch_uid)
        self._receivers_by_identity[identity] = _reference(receiver, weak=weak)

    def disconnect(
        self,
        receiver: Receiver | None = None,
        sender: object | None = None,
        dispatch_uid: Hashable | None = None,
    ) -> bool:
        """Disconnect a receiver as Django's `Signal.disconnect` does."""
        disconnected = super().disconnect(receiver, sender=sender, dispatch_uid=dispatch_uid)
        if disconnected and (receiver is not None or dispatch_uid):
            self._receivers_by_identity.pop(receiver_identity(receiver, dispatch_uid), None)
        return disconnected

    def connected(self) -> dict[str, Receiver]:
        """Return the live receivers by identity, in the order in which they were connected."""
        live = {name: get() for name, get in self._receivers_by_identity.items()}
        return {name: receiver for name, receiver in live.items() if receiver is not None}


# A delivery was refused, of which nothing is stored. Django's own kind of signal: its
# receivers are called at once, in the request, and must be quick. Arguments: `provider` (the
# alias), `reason`, `remote_address`, `size` (None if not announced), and `suppressed`: like
# the log it tells a few of many, and how many were not told since.
delivery_refused = Signal()


def receiver_identity(receiver: Receiver | None, dispatch_uid: Hashable | None = None) -> str:
    """
    Return the name under which a receiver's runs are remembered.

    It is the `dispatch_uid` if there is one, else the dotted path. Raise
    DuplicateReceiver for a callable that has no dotted path, such as a partial.
    """
    if dispatch_uid:
        return str(dispatch_uid)
    try:
        return f"{receiver.__module__}.{receiver.__qualname__}"  # type: ignore[union-attr]
    except AttributeError:
        raise DuplicateReceiver(
            f"{type(receiver).__name__} objects have no name; connect it with a dispatch_uid."
        ) from None


def _reference(receiver: Receiver, *, weak: bool) -> Callable[[], Receiver | None]:
    if not weak:
        return lambda: receiver
    if hasattr(receiver, "__self__") and hasattr(receiver, "__func__"):
        return weakref.WeakMethod(receiver)
    return weakref.ref(receiver)


def _is_reimport(known: Receiver, receiver: Receiver) -> bool:
    """Return whether both come from the same lines, as after a reload of their module."""
    old, new = (getattr(each, "__code__", None) for each in (known, receiver))
    return (
        old is not None
        and new is not None
        and (old.co_filename, old.co_firstlineno) == (new.co_filename, new.co_firstlineno)
        and not (known.__closure__ or receiver.__closure__)
    )


# For every event of whatever type, after everything else: event, customer, changes
# (model → field → (old, new)).
event_processed = EventSignal("event_processed")

# customer, changes (field → (old, new))
customer_created = EventSignal("customer_created")
customer_changed = EventSignal("customer_changed")

# A user has been linked to a customer: customer, user. Sent at once, with `event` None,
# where the project links them itself.
customer_linked = EventSignal("customer_linked")

# What a customer or one of its subscriptions is on has changed:
# customer, subscription (or None), plan, old_plan (or None), changes
plan_changed = EventSignal("plan_changed")

# The description of a plan itself has changed: plan, changes
catalogue_changed = EventSignal("catalogue_changed")

# subscription, customer, plan, changes
subscription_started = EventSignal("subscription_started")
subscription_changed = EventSignal("subscription_changed")
subscription_ended = EventSignal("subscription_ended")
trial_started = EventSignal("trial_started")
trial_ended = EventSignal("trial_ended")

# payment, customer, subscription (or None), changes
payment_succeeded = EventSignal("payment_succeeded")
payment_failed = EventSignal("payment_failed")
payment_changed = EventSignal("payment_changed")

# invoice, customer, subscription (or None), changes
invoice_overdue = EventSignal("invoice_overdue")
invoice_paid = EventSignal("invoice_paid")
invoice_changed = EventSignal("invoice_changed")

# usage, customer, subscription (or None), changes
usage_recorded = EventSignal("usage_recorded")

# failure (facts.IntegrationFailure), threshold (facts.TaxThreshold)
integration_failed = EventSignal("integration_failed")
tax_threshold_reached = EventSignal("tax_threshold_reached")

DOMAIN_SIGNALS: dict[str, EventSignal] = {
    signal.name: signal
    for signal in (
        customer_created,
        customer_changed,
        customer_linked,
        plan_changed,
        catalogue_changed,
        subscription_started,
        subscription_changed,
        subscription_ended,
        trial_started,
        trial_ended,
        payment_succeeded,
        payment_failed,
        payment_changed,
        invoice_overdue,
        invoice_paid,
        invoice_changed,
        usage_recorded,
        integration_failed,
        tax_threshold_reached,
    )
}
