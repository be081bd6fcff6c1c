"""Everything that the overview shows, in a number of queries that depends on the aliases alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from django.utils import timezone
from django.utils.translation import gettext as _

from billing_webhooks.conf import settings
from billing_webhooks.database import write_alias
from billing_webhooks.models import WebhookEvent
from billing_webhooks.overview.counting import Counts, counted
from billing_webhooks.overview.figures import (
    UNDONE,
    FailingReceiver,
    Refused,
    Undone,
    failing,
    refused,
    undone,
)
from billing_webhooks.providers import get_provider
from billing_webhooks.providers.base import Provider
from billing_webhooks.rhythm import Rhythm
from billing_webhooks.vitals import AliasHealth, Health, Problem, health, measured
from billing_webhooks.vitals.problems import silence_of
from billing_webhooks.wording import printable

# Of those that are configured no more. Each takes a query or two.
MAX_FORMER_ALIASES = 20


@dataclass(frozen=True)
class Keys:
    """The keys that prove an alias's deliveries: how many, and when they were last fetched."""

    published: int
    vanished: int
    fetched_at: datetime | None


@dataclass(frozen=True)
class AliasOverview:
    """
    How one alias stands.

    `provider` is None if it is configured no more, or wrongly: then `problem` says so.
    `keys` is None where proof takes none.
    """

    alias: str
    provider: Provider | None
    problem: str
    rhythm: Rhythm
    hours: Counts
    days: Counts
    pending: Undone
    dead: Undone
    quarantined: Undone
    refused: tuple[Refused, ...]
    keys: Keys | None

    @property
    def is_configured(self) -> bool:
        return self.alias in settings.PROVIDERS

    def silence(self, now: datetime) -> str:
        """Return that nothing has come for too long, in words; "" if all is as usual."""
        return silence_of(self.alias, self.rhythm, now) if self.is_configured else ""

    def advice_on(self, reason: str) -> str:
        """Return what to do about refusals for a reason; "" where there is nothing to say."""
        return "" if self.provider is None else self.provider.advice_on(reason)


@dataclass(frozen=True)
class Overview:
    """How everything stood at a time; `problems` are what somebody has to look at."""

    at: datetime
    aliases: tuple[AliasOverview, ...]
    receivers: tuple[FailingReceiver, ...]
    health: Health
    problems: tuple[Problem, ...]

    @property
    def is_empty(self) -> bool:
        """Whether nothing ever came, so that there is nothing to show."""
        return all(each.rhythm.last_at is None and not each.refused for each in self.aliases)


def overview() -> Overview:
    """Return how everything stands now."""
    db = write_alias()
    now = timezone.now()
    refusals = refused(db, now)
    aliases = _aliases(db, {*refusals})
    counts = counted(db, aliases, now)
    stands = health()
    known = {each.alias: each for each in stands.aliases}
    states = {state.value: undone(db, state.value) for state in UNDONE}
    found = tuple(
        _alias(
            known.get(alias) or measured(alias, now),
            *counts[alias],
            {state: by_alias[alias] for state, by_alias in states.items()},
            refusals.get(alias, ()),
        )
        for alias in aliases
    )
    receivers = failing(db)
    problems = (*stands.problems, *_of_receivers(receivers))
    return Overview(now, found, receivers, stands, problems)


def _alias(
    stands: AliasHealth,
    by_hour: Counts,
    by_day: Counts,
    states: Mapping[str, Undone],
    refusals: tuple[Refused, ...],
) -> AliasOverview:
    provider = _provider(stands)
    several = {state: _at_least(each, by_day.total(state)) for state, each in states.items()}
    return AliasOverview(
        alias=stands.alias,
        provider=provider,
        problem=stands.misconfigured,
        rhythm=stands.rhythm,
        hours=by_hour,
        days=by_day,
        refused=refusals,
        keys=None if provider is None else _keys(provider, stands.keys_fetched_at),
        **several,
    )


def _aliases(db: str, refusing: set[str]) -> list[str]:
    """Return the aliases that are configured, and after them those only the database knows."""
    configured = list(settings.PROVIDERS)
    former = {*_stored(db, configured), *refusing} - {*configured}
    return configured + sorted(former)[:MAX_FORMER_ALIASES]


def _stored(db: str, configured: list[str]) -> Iterator[str]:
    """Yield the aliases of events, each by a look into the index behind the one before."""
    events = WebhookEvent._base_manager.using(db).order_by("provider")
    last = ""
    for _number in range(len(configured) + MAX_FORMER_ALIASES + 1):
        found = events.filter(provider__gt=last).values_list("provider", flat=True)[:1]
        if not found:
            return
        [last] = found
        yield last


def _provider(stands: AliasHealth) -> Provider | None:
    """Return an alias's provider; None if it is configured no more, or wrongly."""
    is_usable = stands.alias in settings.PROVIDERS and not stands.misconfigured
    return get_provider(stands.alias) if is_usable else None


def _at_least(found: Undone, counted: int) -> Undone:
    """Return what was found, with what was counted otherwise if that is more."""
    return replace(found, count=max(found.count, counted)) if found.is_capped else found


def _keys(provider: Provider, fetched_at: datetime | None) -> Keys | None:
    keys = provider.signing_keys()
    if keys is None:
        return None
    vanished = sum(key.vanished_at is not None for key in keys)
    return Keys(len(keys) - vanished, vanished, fetched_at)


def _of_receivers(receivers: tuple[FailingReceiver, ...]) -> Iterator[Problem]:
    if receivers:
        text = _("Receivers fail: %(names)s.")
        names = dict.fromkeys(printable(each.receiver) for each in receivers)
        yield Problem("receivers", text % {"names": ", ".join(names)})
