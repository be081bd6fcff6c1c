"""What people can do with many rows at once, in parts that a job is worked in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from django.apps import apps
from django.db.models import QuerySet
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from billing_webhooks.database import write_alias
from billing_webhooks.erasing import AlreadyErased, erase
from billing_webhooks.jobs import Action, Part, register
from billing_webhooks.models import Customer, ReceiverRun, WebhookEvent
from billing_webhooks.previewing import EVENTS_TOGETHER, consequences, preview
from billing_webhooks.replaying import Handled, Scope, release, replay
from billing_webhooks.rescheduling import give_up, retry_now

# As many as a transaction should hold, and a progress bar should wait for.
EVENTS_PER_PART = 20


def _events(keys: Sequence[str]) -> QuerySet[WebhookEvent]:
    events = WebhookEvent._base_manager.using(write_alias()).filter(pk__in=keys)
    return events.order_by("occurred_at", "sequence")


def _part(handled: Handled) -> Part:
    return Part(len(handled.keys), handled.refused, codes=handled.codes)


def _replay(keys: Sequence[str], arguments: Mapping[str, Any]) -> Part:
    scope = Scope(arguments.get("receiver", ""), again=arguments.get("again", False))
    return _part(replay(_events(keys), scope))


def _run_again(keys: Sequence[str], arguments: Mapping[str, Any]) -> Part:
    """Try what receivers failed at: of a pending event at once, of another by a replay."""
    part = Part()
    runs = ReceiverRun._base_manager.using(write_alias()).filter(pk__in=keys).order_by("pk")
    for run in runs.only("event", "receiver"):
        (event,) = events = _events([str(run.event_id)])
        if event.state == WebhookEvent.State.PENDING:
            handled = retry_now(events)
        else:
            handled = replay(events, Scope(run.receiver))
        part.done += len(handled.keys)
        part.refused += handled.refused
    return part


def _release(keys: Sequence[str], arguments: Mapping[str, Any]) -> Part:
    return _part(release(_events(keys)))


def _retry(keys: Sequence[str], arguments: Mapping[str, Any]) -> Part:
    return _part(retry_now(_events(keys)))


def _give_up(keys: Sequence[str], arguments: Mapping[str, Any]) -> Part:
    return _part(give_up(_events(keys)))


def _preview(keys: Sequence[str], arguments: Mapping[str, Any]) -> Part:
    part = Part()
    for found in preview(_events(keys)):
        if found.refused:
            part.refused[found.refused] += 1
        else:
            part.done += 1
        part.lines.append(f"{found.event.pk} {found.event}")
        part.lines += (f"  {line}" for line in consequences(found))
    return part


def _erase(keys: Sequence[str], arguments: Mapping[str, Any]) -> Part:
    part = Part()
    for customer in Customer._base_manager.using(write_alias()).filter(pk__in=keys):
        try:
            erased = erase(customer)
        except AlreadyErased:
            continue
        part.done += 1
        rows = Counter(erased.rows) + Counter({"WebhookEvent": erased.events})
        part.lines += (f"{_kind(name)}: {count}" for name, count in sorted(rows.items()))
    part.refused[_("It was erased already, or merged into another.")] = len(keys) - part.done
    part.refused = +part.refused
    return part


def _kind(name: str) -> str:
    """Return what rows of a model are called; of the project's own, the name of the model."""
    with suppress(LookupError, ValueError):
        return capfirst(str(apps.get_model("billing_webhooks", name)._meta.verbose_name_plural))
    return name


register("replay", Action(_replay, EVENTS_PER_PART))
register("replay_receiver", Action(_replay, EVENTS_PER_PART))
register("run_again", Action(_run_again, EVENTS_PER_PART))
register("release", Action(_release, EVENTS_PER_PART))
register("retry", Action(_retry, EVENTS_PER_PART))
register("give_up", Action(_give_up, EVENTS_PER_PART))
register("preview", Action(_preview, EVENTS_TOGETHER))
register("erase", Action(_erase, 1))
