"""Work stored events once more, or see what would come of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from functools import partial
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import QuerySet

from billing_webhooks.conf import settings
from billing_webhooks.database import write_alias
from billing_webhooks.management import selecting
from billing_webhooks.management.progress import Progress
from billing_webhooks.management.rendering import lines, printable, shown
from billing_webhooks.models import WebhookEvent
from billing_webhooks.previewing import consequences, preview
from billing_webhooks.rebuilding import Rebuilt, events_of, rebuild
from billing_webhooks.replaying import Scope, receiver_names, replay

KEYS_PER_QUERY = 500
MAX_NAMED = 10


def add_arguments(parser: CommandParser) -> None:
    selecting.add_arguments(parser)
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
    if options["rebuild"]:
        selecting.refuse_unknown_alias(options["provider"])
        _rebuild(command, options)
        return
    events, scope = selecting.events_of(options), _scope(options)
    if options["dry_run"]:
        _show(command, events, scope)
    else:
        _replay(command, events, scope)


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
        for line in consequences(found):
            _write(command, f"  {line}")
        shown_events += 1
        refused += bool(found.refused)
        calls.update(found.receivers)
    _write(command, f"Would replay {shown_events - refused} of {shown_events} events.")
    for name, count in sorted(calls.items()):
        _write(command, f"  for {count} of them would run: {name}")


def _heading(event: WebhookEvent) -> str:
    return f"{event.pk} {event}, occurred {shown(event.occurred_at)}"


def _rebuild(command: BaseCommand, options: Mapping[str, Any]) -> None:
    if (
        any(options[name] for name in selecting.FILTERS if name != "provider")
        or options["receiver"]
    ):
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
