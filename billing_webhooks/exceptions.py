"""What can go wrong, one class per reaction to it."""

from __future__ import annotations

from datetime import timedelta

from django.core.exceptions import ImproperlyConfigured


class BillingWebhooksError(Exception):
    """Base class of every error this package raises on purpose."""


class Refused(BillingWebhooksError, ValueError):
    """
    A delivery that is answered with an error and of which nothing is stored.

    `reason` is a short code for logs and counters. `detail` may add facts that are
    safe to log: never text of the sender, never a secret.
    """

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason} {detail}".strip())
        self.reason = reason
        self.detail = detail


class NotProven(Refused):
    """The delivery is certainly not from the provider, or cannot show that it is."""


class NotAnEvent(Refused):
    """The bytes do not have the outer form in which the provider sends events."""


class TooLarge(Refused):
    """The body is larger than any event of this provider."""


class LengthRequired(Refused):
    """The body has no length and the server cannot tell where it ends."""


class UnsupportedEncoding(Refused):
    """The body is compressed, which this provider never does."""


class CannotVerifyNow(Refused):
    """Proof could not be decided, for example because the key set is out of reach."""


class CannotStoreNow(Refused):
    """Every attempt to commit the event failed; the sender should try again."""


class NotUnderstood(BillingWebhooksError, ValueError):
    """
    A stored event whose payload does not say what its type promises.

    Trying again would not help, so the event is given up at once with this message.
    """


class NotConfirmed(BillingWebhooksError):
    """
    The provider's API does not know what the event says, or cannot be asked now.

    The event is tried again with a backoff, and not before `after`; nothing of it is
    applied. The message never repeats what the API or the sender has said.
    """

    def __init__(self, message: str, *, after: timedelta | None = None) -> None:
        super().__init__(message)
        self.after = after


class CannotReplay(BillingWebhooksError):
    """
    An event cannot be worked once more; the message says why.

    `code` says it in a word for programs, which no translation changes.
    """

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.code = code


class RetryLater(BillingWebhooksError):
    """
    Raised by a receiver that wants to be called again for this event.

    `after` is the shortest time to wait, cut at a year; without it the usual backoff
    applies. Each call is an attempt: after the last one the event is dead.
    """

    LONGEST = timedelta(days=365)

    def __init__(self, message: str = "", *, after: timedelta | None = None) -> None:
        super().__init__(message)
        # A number would be of unknown unit: min() does not take it for a time.
        self.after = None if after is None else min(after, self.LONGEST)


class GiveUp(BillingWebhooksError):
    """Raised by a receiver for which trying this event again would be useless."""


class NotAUser(BillingWebhooksError, TypeError):
    """What is to be linked to a customer, or was returned by the resolver, is no saved user."""


class DuplicateReceiver(BillingWebhooksError, ImproperlyConfigured):
    """Two different receivers of one signal have the same identity; pass `dispatch_uid`."""
