"""What of the figures somebody has to look at, by the thresholds in the settings."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from django.utils.timesince import timesince
from django.utils.translation import gettext as _

from billing_webhooks.conf import settings
from billing_webhooks.rhythm import Rhythm
from billing_webhooks.vitals.health import AliasHealth, Health, Problem
from billing_webhooks.wording import printable, span


def problems_of(stands: Health) -> Iterator[Problem]:
    """Yield what somebody has to look at, the most urgent first."""
    yield from _of_sweep(stands)
    yield from _of_due(stands)
    yield from _of_celery(stands)
    yield from _of_dead(stands)
    for each in stands.aliases:
        yield from _of_alias(each, stands.at)


def silence_of(alias: str, rhythm: Rhythm, now: datetime) -> str:
    """Return that nothing has come for too long, in words; "" if all is as usual."""
    silence, gap = rhythm.silence(now), rhythm.usual_gap
    if silence is None or gap is None or not rhythm.is_silent(now):
        return ""
    text = _("Nothing from %(alias)s for %(silence)s; usual gap %(gap)s.")
    return text % {"alias": printable(alias), "silence": span(silence), "gap": span(gap)}


def _of_sweep(stands: Health) -> Iterator[Problem]:
    if stands.last_sweep is None:
        text = _(
            "No sweep has ever run, so what failed once is not tried again: schedule the task "
            "billing_webhooks.sweep, or run `manage.py billing_webhooks process --watch`."
        )
        yield Problem("sweep", text)
    elif stands.at - stands.last_sweep > settings.HEALTH_LONGEST_WITHOUT_SWEEP:
        text = _("No sweep has run for %(span)s.")
        yield Problem("sweep", text % {"span": _since(stands.last_sweep, stands.at)})


def _of_due(stands: Health) -> Iterator[Problem]:
    oldest = stands.oldest_due
    if oldest is not None and stands.at - oldest > settings.HEALTH_LONGEST_DUE:
        text = _("An event has been due for %(span)s, and nobody works it.")
        yield Problem("due", text % {"span": _since(oldest, stands.at)})


def _of_celery(stands: Health) -> Iterator[Problem]:
    unheard = stands.unheard_since
    if unheard is not None and stands.at - unheard > settings.HEALTH_LONGEST_DUE:
        text = _("An event came %(span)s ago, and no Celery worker has been heard of since.")
        yield Problem("worker", text % {"span": _since(unheard, stands.at)})
    if stands.broker_answers is False:
        yield Problem("broker", _("Celery's broker does not answer, so no worker is woken."))


def _of_dead(stands: Health) -> Iterator[Problem]:
    if stands.recently_dead > settings.HEALTH_DEAD_IN_A_DAY:
        text = _(
            "Died in the last 24 hours: %(count)d. Read their last_error, and replay them "
            "when its cause is gone."
        )
        yield Problem("dead", text % {"count": stands.recently_dead})


def _of_alias(each: AliasHealth, now: datetime) -> Iterator[Problem]:
    if each.misconfigured:
        yield Problem("configuration", each.misconfigured, each.alias)
    if silence := silence_of(each.alias, each.rhythm, now):
        yield Problem("silence", silence, each.alias)
    fetched, last = each.keys_fetched_at, each.rhythm.last_at
    # Keys are fetched when events come, so those of a quiet alias are old, and that is well.
    if fetched is not None and last is not None and last - fetched > settings.HEALTH_KEYS_AGE:
        text = _(
            "The keys of %(alias)s were fetched %(span)s ago, and have not been renewed although "
            "events came."
        )
        about = {"alias": printable(each.alias), "span": _since(fetched, now)}
        yield Problem("keys", text % about, each.alias)


def _since(since: datetime, now: datetime) -> str:
    # The spaces of Django's text do not break.
    return timesince(since, now, depth=2).replace("\N{NO-BREAK SPACE}", " ")
