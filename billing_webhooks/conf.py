"""
The settings of this package.

Each is declared once, read from Django's settings at the moment of use and checked
there, so `override_settings` works and a wrong type is told by name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any, Generic, TypeVar, overload

from django.conf import settings as django_settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

PREFIX = "BILLING_WEBHOOKS_"

T = TypeVar("T")


class Setting(Generic[T]):
    """A setting with its type, default and, for choices, its allowed values."""

    def __init__(self, kind: type[T], default: T, *, choices: tuple[T, ...] = ()) -> None:
        self.kind = kind
        self.default = default
        self.choices = choices

    def __set_name__(self, owner: type[Settings], name: str) -> None:
        self.name = PREFIX + name

    @overload
    def __get__(self, instance: None, owner: type[Settings]) -> Setting[T]: ...

    @overload
    def __get__(self, instance: Settings, owner: type[Settings]) -> T: ...

    def __get__(self, instance: Settings | None, owner: type[Settings]) -> Setting[T] | T:
        if instance is None:
            return self
        value = getattr(django_settings, self.name, self.default)
        # bool is an int to Python, but never what somebody means by a number.
        if not isinstance(value, self.kind) or (isinstance(value, bool) and self.kind is not bool):
            raise ImproperlyConfigured(
                f"{self.name} must be of type {self.kind.__name__}, not {type(value).__name__}."
            )
        if self.choices and value not in self.choices:
            allowed = ", ".join(repr(choice) for choice in self.choices)
            raise ImproperlyConfigured(f"{self.name} must be one of {allowed}.")
        return value


class Settings:
    """Every setting of this package; `conf.settings` is the one instance."""

    PROVIDERS: Setting[Mapping[str, Any]] = Setting(Mapping, {})  # type: ignore[type-abstract]
    """Alias → {"BACKEND": dotted path, "OPTIONS": {…}}, shaped like CACHES."""

    DISPATCH = Setting(str, "inline", choices=("inline", "celery", "deferred"))
    """How a stored event reaches a worker: in the request, by Celery, or by `process`."""

    MAX_ATTEMPTS = Setting(int, 12)
    """After this many attempts an event is dead."""

    BACKOFF_BASE = Setting(timedelta, timedelta(seconds=2))
    """The longest wait after the first failed attempt; doubled with each further one."""

    BACKOFF_CAP = Setting(timedelta, timedelta(hours=1))
    """No wait between two attempts is longer than this."""

    RETENTION = Setting(timedelta, timedelta(days=365))
    """How long `prune` leaves processed events with what they said."""

    INLINE_LIMIT = Setting(int, 20)
    """How many events of one mailbox a single request works off at most."""

    ENCRYPTION_KEYS: Setting[Sequence[Any]] = Setting(Sequence, ())  # type: ignore[type-abstract]
    """Fernet keys for stored bodies: the first encrypts, all decrypt; None first for plain ones."""

    REFUSALS_KEPT = Setting(int, 200)
    """How many of the latest refusals are kept; with 0 they are not counted either."""

    REFUSALS_LOGGED = Setting(int, 5)
    """How many refusals of one alias and reason are logged in ten seconds."""

    METRICS_TOKEN = Setting(str, "")
    """What Prometheus sends to be let in; with "" only staff may see the metrics."""

    REDACT = Setting(str, "")
    """Dotted path of the function that takes out of a payload what the admin is not to show."""

    USER_RESOLVER = Setting(str, "")
    """Dotted path of the function that tells whose a customer is; "" links nobody."""

    ACCESS_GRACE_FAILED_PAYMENT = Setting(timedelta, timedelta(days=7))
    """How long after a failed payment a subscription still grants access."""

    ACCESS_GRACE_OVERDUE_INVOICE = Setting(timedelta, timedelta(days=7))
    """How long after an invoice was reported overdue a subscription still grants access."""

    ACCESS_UNTIL_PERIOD_END = Setting(bool, True)
    """Whether a cancelled subscription grants access to the end of the period that is paid."""

    ACCESS_CANCELLING_LIMIT = Setting(timedelta, timedelta(days=366))
    """How long one that ends later grants access where no event says when it ends."""

    ACCESS_BY_PROVIDER = Setting(bool, True)
    """Whether the provider's own word counts, where it says what is active."""

    ACCESS_OF_DISABLED_CUSTOMERS = Setting(bool, False)
    """Whether customers whom the provider has disabled keep their access."""

    HEALTH_LONGEST_WITHOUT_SWEEP = Setting(timedelta, timedelta(minutes=15))
    """How long no sweep may have run before `health` tells of it."""

    HEALTH_LONGEST_DUE = Setting(timedelta, timedelta(minutes=15))
    """How long an event may be due, or no Celery worker be heard of after one has come."""

    HEALTH_DEAD_IN_A_DAY = Setting(int, 0)
    """How many events may die in 24 hours before `health` tells of it."""

    HEALTH_SILENCE_FACTOR = Setting(int, 2)
    """How many times as long as ever before an alias may be silent; with 0 for ever."""

    HEALTH_KEYS_AGE = Setting(timedelta, timedelta(days=1))
    """How old the keys that prove an alias's deliveries may be when an event comes."""

    def function(self, name: str) -> Callable[..., Any] | None:
        """
        Return the function that a setting names by its dotted path, None for "".

        Raise ImproperlyConfigured if it cannot be had.
        """
        path = getattr(self, name)
        if not path:
            return None
        try:
            function = import_string(path)
        except ImportError as error:
            raise ImproperlyConfigured(
                f"{PREFIX}{name}, {path!r}, cannot be imported: {error}."
            ) from error
        if not callable(function):
            raise ImproperlyConfigured(f"{PREFIX}{name}, {path!r}, is no function.")
        return function  # type: ignore[no-any-return]

    def unknown_names(self) -> Iterator[str]:
        """Yield the names in Django's settings that look like ours and are not."""
        known = {PREFIX + name for name in vars(type(self)) if name.isupper()}
        for name in dir(django_settings):
            if name.startswith(PREFIX) and name not in known:
                yield name


settings = Settings()
