"""Work stored events once more, or see what would come of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import QuerySet

from billing_webhooks.conf import settings
from billing_webhooks.database import write_alias
from billing_webhooks.management.options import moment
from billing_webhooks.management.progress import Progress
from billing_webhooks.management.rendering import lines, printable, shown
from billing_webhooks.models import WebhookEvent
from billing_webhooks.previewing import Preview, preview
from billing_webhooks.rebuilding import Rebuilt, events_of, rebuild
from billing_webhooks.replaying import Scope, receiver_names, replay

# Option → lookup of the events.
FILTERS = {
    "ids": "pk__in",
    "provider": "provider",
    "type": "event_type",
    "state": "state",
    "since": "received_at__gte",
    "until": "received_at__lt",
}
KEYS_PER_QUERY = 500
MAX_NAMED = 10


def add_arguments(parser: CommandParser) -> None:
    parser.add_argument("ids", nargs="*", type=UUID, metavar="ID", help="Ids of events.")
    parser.add_argument("--provider", metavar="ALIAS", help="Events of this alias.")
    parser.add_argument("--type", metavar="TYPE", help="Events of this type.")
    parser.add_argument("--state", choices=WebhookEvent.State.values, help="Events in this state.")
    parser.add_argument(
        "--since",
        type=moment,
        metavar="TIME",
        help="Received then or later: 2026-03-02, or 2026-03-02T10:00+01:00.",
    )
    parser.add_argument("--until", type=moment, metavar="TIME", help="Received before then.")
    parser.add_argument("--receiver", default="", metavar="NAME", help="For this receiver alone.")
    parser.add_argument(
        "--again", action="store_true", help="With --receiver: even where it has succeeded."
    )
    instead = parser.add_mutually_exclusive_group()
    instead.add_argument(
        "--dry-run", action="store_true", help="Show what would change, and change nothing."
    )
    instead.add_argument(
        "--rebuild",
        action="store_true",
        help="Hold what all stored events make against the live rows, and change nothing.",
    )


def run(command: BaseCommand, options: Mapping[str, Any]) -> None:
    _refuse_unknown_alias(options["provider"])
    if options["rebuild"]:
        _rebuild(command, options)
        return
    events, scope = _events(options), _scope(options)
    if options["dry_run"]:
        _show(command, events, scope)
    else:
        _replay(command, events, scope)


def _refuse_unknown_alias(alias: str | None) -> None:
    if alias is not None and alias not in settings.PROVIDERS:
        known = ", ".join(sorted(settings.PROVIDERS)) or "none"
        raise CommandError(f"No provider is configured under {alias!r}. Configured are: {known}.")


def _events(options: Mapping[str, Any]) -> QuerySet[WebhookEvent]:
    lookups = {lookup: options[name] for name, lookup in FILTERS.items() if options[name]}
    if not lookups:
        raise CommandError(
            "Say which events: by ids, or by --provider, --type, --state, --since or --until."
        )
    events = WebhookEvent._base_manager.using(write_alias())
    known = set(events.filter(pk__in=options["ids"]).values_list("pk", flat=True))
    if missing := [str(key) for key in options["ids"] if key not in known]:
        raise CommandError(f"There is no event {' nor '.join(missing)}.")
    return events.filter(**lookups).order_by("occurred_at", "sequence")


def _scope(options: Mapping[str, Any]) -> Scope:
    name = options["receiver"]
    if options["again"] and not name:
        raise CommandError("--again needs --receiver: say which receiver is to run again.")
    if name and name not in receiver_names():
        known = "".join(f"\n  {each}" for each in sorted(receiver_names())) or " none"
        raise CommandError(f"No receiver is called {name!r}. Connected are:{known}")
    return Scope(name, again=options["again"])


def _replay(command: BaseCommand, events: QuerySet[WebhookEvent], scope: Scope) -> None:
    with Progress(command.stderr) as progress:
        replayed = replay(events, scope, tell=progress.show_part)
    states = _states(replayed.keys)
    found = ", ".join(f"{count} {state}" for state, count in sorted(states.items()))
    refused = [f"{count} not replayed: {why}" for why, count in replayed.refused.items()]
    if refused and not replayed.keys:
        raise CommandError(printable("\n".join(refused)))
    _write(command, f"Replayed {len(replayed.keys)} events" + (f": {found}." if found else "."))
    for line in refused:
        _write(command, line)
    if WebhookEvent.State.PENDING in states and settings.DISPATCH != "celery":
        _write(command, "What is pending is worked by `manage.py billing_webhooks process`.")


def _states(keys: list[UUID]) -> Counter[str]:
    """Return how many of these events are in each state by now."""
    events = WebhookEvent._base_manager.using(write_alias())
    states: Counter[str] = Counter()
    for start in range(0, len(keys), KEYS_PER_QUERY):
        some = events.filter(pk__in=keys[start : start + KEYS_PER_QUERY])
        states.update(some.values_list("state", flat=True))
    return states


def _show(command: BaseCommand, events: QuerySet[WebhookEvent], scope: Scope) -> None:
    shown_events, refused, calls = 0, 0, Counter[str]()
    for found in preview(events, scope):
        _write(command, _heading(found.event))
        for line in _consequences(found):
            _write(command, f"  {line}")
        shown_events += 1
        refused += bool(found.refused)
        calls.update(found.receivers)
    _write(command, f"Would replay {shown_events - refused} of {shown_events} events.")
    for name, count in sorted(calls.items()):
        _write(command, f"  for {count} of them would run: {name}")


def _heading(event: WebhookEvent) -> str:
    return f"{event.pk} {event}, occurred {shown(event.occurred_at)}"


def _consequences(found: Preview) -> Iterable[str]:
    if found.refused:
        yield f"would not be replayed: {found.refused}"
        return
    if found.failed:
        yield f"would fail: {found.failed}"
        return
    yield from lines(found.changes, old="would be gone", new="new")
    for name in found.receivers:
        yield f"would run: {name}"
    if not found.changes and not found.receivers:
        yield "nothing would change or run"


def _rebuild(command: BaseCommand, options: Mapping[str, Any]) -> None:
    if any(options[name] for name in FILTERS if name != "provider") or options["receiver"]:
        raise CommandError("--rebuild takes all events of an alias: only --provider goes with it.")
    for alias in [options["provider"]] if options["provider"] else list(settings.PROVIDERS):
        with Progress(command.stderr) as progress:
            total = events_of(alias).count()
            rebuilt = rebuild(alias, tell=partial(progress.show_part, of=total))
        _report(command, alias, rebuilt)


def _report(command: BaseCommand, alias: str, rebuilt: Rebuilt) -> None:
    for line in lines(rebuilt.differences, old="live only: no event makes it", new="not live"):
        _write(command, f"  {line}")
    count = len(rebuilt.differences)
    _write(
        command, f"{alias}: {count} differences (live -> rebuilt) after {rebuilt.events} events."
    )
    if rebuilt.unreadable:
        some = ", ".join(rebuilt.unreadable[:MAX_NAMED])
        more = ", …" if len(rebuilt.unreadable) > MAX_NAMED else ""
        _write(command, f"{len(rebuilt.unreadable)} say nothing readable: {some}{more}")
    if rebuilt.pruned:
        _write(command, f"{rebuilt.pruned} were pruned, so what they said is missing.")


def _write(command: BaseCommand, line: str) -> None:
    command.stdout.write(printable(line))
