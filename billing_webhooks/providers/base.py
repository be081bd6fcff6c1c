"""The contract between the core and a provider."""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from django.core.checks import CheckMessage
from django.core.exceptions import ImproperlyConfigured
from django.db import models
from django.utils.translation import gettext_lazy as _

from billing_webhooks.facts import Fact
from billing_webhooks.findings import Finding
from billing_webhooks.signals import EventSignal

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

# What to do about a refusal, by its reason, whoever the provider is.
ADVICE: Mapping[str, StrOrPromise] = {
    "too_large": _("The body is larger than any event of this provider."),
    "length_required": _(
        "The body has no length, and the server in front of Django does not mark its end: let the "
        "proxy buffer requests."
    ),
    "database_unavailable": _("The database was out of reach."),
    "not_stored": _("The database refused the event: the log has the class of the error."),
    "misconfigured": _("A setting is wrong: the log and `manage.py check` say which."),
    "internal_error": _("A fault of ours: the log has its traceback."),
}


class Trust(models.TextChoices):
    """How far an event is proven."""

    SIGNED = "signed", _("signed")
    SECRET = "secret", _("secret in the URL")
    CONFIRMED = "confirmed", _("confirmed by the provider's API")


@dataclass(frozen=True)
class Delivery:
    """
    One HTTP request, as received.

    Headers are looked up by their names in lower case. `query` holds the last value of
    each parameter, `path_token` what stood behind the alias in the path. `truncated` says
    that the body is shorter than its declared length. All may hold secrets, so none is in
    the repr.
    """

    body: bytes = field(repr=False)
    received_at: datetime
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    query: Mapping[str, str] = field(default_factory=dict, repr=False)
    path_token: str = field(default="", repr=False)
    truncated: bool = False

    @property
    def is_encoded(self) -> bool:
        """Whether the body is said to be compressed or otherwise encoded."""
        encoding = self.headers.get("content-encoding", "").strip().lower()
        return encoding not in {"", "identity"}


@dataclass(frozen=True)
class Envelope:
    """
    What a proven delivery says about itself.

    `subject` names whose event it is, so that events of one customer are worked in
    order. `identity` is what makes the event unique within its alias; None where the
    provider has no such thing, and then each delivery is an event of its own.
    `occurred_at` is None where the sender gives no believable time; arrival stands in.
    `content_digest` tells another content under the same identity, of which a provider
    should never speak; "" where nothing is to be compared. A `problem` says why a proven
    delivery cannot be read as an event: it is kept in quarantine. A `warning` says what is
    odd about one that can. Neither repeats text of the sender.
    """

    event_type: str
    subject: str
    trust: Trust
    identity: str | None
    external_id: str = ""
    occurred_at: datetime | None = None
    content_digest: str = ""
    problem: str = ""
    warning: str = ""


_CANONICAL = json.JSONEncoder(sort_keys=True, default=str)


def digest_of(content: Mapping[str, Any], *, without: Collection[str]) -> str:
    """Return SHA-256 in hex: the same for the same content, whatever its order and spelling."""
    compared = {name: content[name] for name in content.keys() - set(without)}
    return hashlib.sha256(_CANONICAL.encode(compared).encode()).hexdigest()


@dataclass(frozen=True)
class SigningKey:
    """
    A public key that proves deliveries. Times are aware.

    Of one that the provider publishes no more: since when, and until when it is honoured.
    """

    id: str
    bits: int
    vanished_at: datetime | None = None
    honoured_until: datetime | None = None


@dataclass(frozen=True)
class NewSecret:
    """
    A fresh secret, where it belongs in the project's settings, and the URL that holds it.

    A `warning` says what is wrong with that URL.
    """

    secret: str = field(repr=False)
    setting: str
    url: str = field(repr=False)
    warning: str = ""


class Provider(ABC):
    """
    One configured account of a provider.

    A subclass lives in a folder of its own and is chosen by dotted path in
    BILLING_WEBHOOKS_PROVIDERS. `options` is the alias's OPTIONS; a wrong option raises
    ImproperlyConfigured in `__init__`, which must not touch network or database.
    """

    # Bodies above this are refused unread.
    max_body_bytes: ClassVar[int] = 1024 * 1024

    # Lower-case names of the headers worth keeping beside the body.
    kept_headers: ClassVar[tuple[str, ...]] = ("content-type", "user-agent")

    # Whether a proven delivery that is no event is answered 400 (and still kept),
    # because such bodies come from misdirected posts. Otherwise it is answered 200.
    rejects_unreadable: ClassVar[bool] = False

    # Event type → its signal. A type that is not here is stored but has no reading.
    signals: ClassVar[Mapping[str, EventSignal]] = {}

    # Event type → what it says, in a translatable sentence for people who do not know the type.
    meanings: ClassVar[Mapping[str, StrOrPromise]] = {}

    # Reason code of a refusal → what to do about it, for the people who see it; best lazily
    # translated.
    advice: ClassVar[Mapping[str, StrOrPromise]] = {}

    # The options there are; None leaves them unchecked.
    option_names: ClassVar[frozenset[str] | None] = None

    def __init__(self, alias: str, options: Mapping[str, Any]) -> None:
        self.alias = alias
        self.options = options
        self.where = f"BILLING_WEBHOOKS_PROVIDERS[{alias!r}]['OPTIONS']"
        if self.option_names is not None and options.keys() - self.option_names:
            unknown = ", ".join(sorted(options.keys() - self.option_names))
            raise ImproperlyConfigured(f"{self.where} has unknown entries: {unknown}.")

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.alias!r}>"

    def advice_on(self, reason: str) -> str:
        """Return what to do about refusals for this reason; "" where there is nothing to say."""
        return str(self.advice.get(reason) or ADVICE.get(reason, ""))

    @abstractmethod
    def verify(self, delivery: Delivery) -> Envelope:
        """
        Return the envelope of a delivery that is proven to be the provider's.

        Raise a subclass of Refused for any other. A proven delivery that is no event gets
        an envelope with a `problem`; any other error is a fault, answered 503, and nothing
        is stored. No database query.
        """

    @abstractmethod
    def envelope(self, body: bytes, received_at: datetime) -> Envelope:
        """
        Return the envelope of a body that is proven already.

        Pure, so what is in quarantine can be read anew by a later release. A body that is
        no event gets an envelope with a `problem`.
        """

    @abstractmethod
    def decode(self, body: bytes) -> dict[str, Any]:
        """Return the provider's payload from the stored bytes, or raise NotUnderstood."""

    @abstractmethod
    def read(
        self, event_type: str, payload: Mapping[str, Any], occurred_at: datetime
    ) -> Sequence[Fact]:
        """
        Return what an event of a known type says.

        Pure: the same arguments give the same facts. Raise NotUnderstood if the
        payload does not hold what its type promises: the event is dead then. Any other
        error, such as a KeyError, is a fault of the reading: the event is tried again,
        because a later release may read it.
        """

    @property
    def confirms(self) -> bool:
        """Whether `confirm` is to be asked before an event is applied."""
        return False

    def confirm(
        self, event_type: str, payload: Mapping[str, Any], *, may_wait: bool
    ) -> Mapping[str, Any] | None:
        """
        Return what the provider's API says of what an event of a known type is about.

        That is in the shape of the payload: each key takes the place of the payload's, for
        `read`. It is stored, so it must be writable as JSON. None if nothing can be asked.
        Raise NotConfirmed if the API does not know of it, or cannot be asked. `may_wait`
        says that this is the first attempt and that others are left: the event may be
        ahead of the commit that it tells of.

        May use the network, but no database: it runs in a thread that may be left behind.
        """
        return None

    def check(self) -> list[CheckMessage]:
        """Return system check messages about the options. No network, no database."""
        return []

    def signing_keys(self, *, refresh: bool = False) -> Sequence[SigningKey] | None:
        """
        Return the public keys that prove deliveries, or None if proof takes none.

        With `refresh` they are fetched first; raise CannotVerifyNow if they cannot be.
        """
        return None

    @property
    def keys_fetched_at(self) -> datetime | None:
        """When the public keys were last fetched, by all processes; None if never, or without."""
        return None

    def forget_keys(self, ids: Collection[str] = ()) -> None:
        """
        Trust these keys no more, or without any all that are published no more.

        For the latter the keys are fetched; raise CannotVerifyNow if they cannot be.
        """
        raise NotImplementedError(f"{type(self).__name__} has no keys.")

    @property
    def secret_digests(self) -> frozenset[bytes]:
        """Digests of what proves a delivery: no two aliases should have one in common."""
        return frozenset()

    def diagnose(self, url: str) -> Iterator[Finding]:
        """
        Yield what the provider finds out about itself; it may ask the network.

        `url` is the alias's endpoint as the world sees it, without a secret; empty where
        it is not known.
        """
        yield from ()

    def new_secret(self, url: str) -> NewSecret | None:
        """Return a fresh secret for the endpoint at a URL; None if this provider needs none."""
        return None
