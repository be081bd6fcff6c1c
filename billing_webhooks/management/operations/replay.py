"""Work stored events once more, or see what would come of it."""

from __future__ import annotations

from argparse import ArgumentTypeError
from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from billing_webhooks import rebuilding
from billing_webhooks.conf import settings
from billing_webhooks.database import write_alias
from billing_webhooks.exceptions import CannotReplay
from billing_webhooks.management.progress import Progress
from billing_webhooks.models import WebhookEvent
from billing_webhooks.replaying import Scope, preview, receiver_names, replay

# Option → lookup of the events.
FILTERS = {
    "ids": "pk__in",
    "provider": "provider",
    "type": "event_type",
    "state": "state",
    "since": "received_at__gte",
    "until": "received_at__lt",
}


def add_arguments(parser: CommandParser) -> None:
    parser.add_argument("ids", nargs="*", type=UUID, metavar="ID", help="Ids of events.")
    parser.add_argument("--provider", metavar="ALIAS", help="Events of this alias.")
    parser.add_argument("--type", metavar="TYPE", help="Events of this type.")
    parser.add_argument("--state", choices=WebhookEvent.State.values, help="Events in this state.")
    parser.add_argument("--since", type=moment, metavar="TIME", help="Received then or later.")
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
    if options["rebuild"]:
        _rebuild(command, options)
        return
    events, scope = _events(options), _scope(options)
    if options["dry_run"]:
        _show(command, events, scope)
    else:
        _replay(command, events, scope)


def moment(text: str) -> datetime:
    try:
        found = parse_datetime(text)
    except ValueError:
        found = None
    if found is None:
        raise ArgumentTypeError("must be a time such as 2026-03-02T10:00 or 2026-03-02T10:00+01:00")
    return timezone.make_aware(found) if timezone.is_naive(found) else found


def _events(options: Mapping[str, Any]) -> QuerySet[WebhookEvent]:
    lookups = {lookup: options[name] for name, lookup in FILTERS.items() if options[name]}
    if not lookups:
        raise CommandError("Say which events: by ids, or by --provider, --type, --state, --since.")
    events = WebhookEvent._base_manager.using(write_alias()).filter(**lookups)
    missing = len(set(options["ids"])) - events.count() if lookups.keys() == {"pk__in"} else 0
    if missing:
        raise CommandError(f"{missing} of these ids are of no event.")
    return events.order_by("occurred_at", "sequence").defer("body", "headers")


def _scope(options: Mapping[str, Any]) -> Scope:
    name = options["receiver"]
    if options["again"] and not name:
        raise CommandError("--again needs --receiver: say which receiver is to run again.")
    if name and name not in receiver_names():
        known = "".join(f"\n  {each}" for each in sorted(receiver_names())) or " none"
        raise CommandError(f"No receiver is called {name!r}. Connected are:{known}")
    return Scope(name, again=options["again"])


def _replay(command: BaseCommand, events: QuerySet[WebhookEvent], scope: Scope) -> None:
    total = events.count()
    with Progress(command.stderr) as progress:

        def counted() -> Any:
            for number, event in enumerate(events.iterator(), start=1):
                yield event
                progress.show_part(number, total)

        replayed = replay(counted(), scope)
    command.stdout.write(f"{replayed.due} events are worked once more.")
    for reason, count in replayed.refused.items():
        command.stdout.write(f"{count} not: {reason}")
    if settings.DISPATCH == "deferred" and replayed.due:
        command.stdout.write("`manage.py billing_webhooks process` works them.")


def _show(command: BaseCommand, events: QuerySet[WebhookEvent], scope: Scope) -> None:
    for event in events.iterator():
        command.stdout.write(f"{event.pk} {event} of {event.occurred_at.isoformat()}")
        try:
            found = preview(event, scope)
        except CannotReplay as error:
            command.stdout.write(f"  cannot be replayed: {error}")
            continue
        for entry in found.changes:
            for name, (old, new) in entry.get("fields", {}).items():
                row = f"{entry['model']} {'new' if entry['created'] else entry['id']}"
                command.stdout.write(f"  {row}: {name}: {old!s} -> {new!s}")
        for name in found.receivers:
            command.stdout.write(f"  would run: {name}")
        if not found.receivers and not any(entry.get("fields") for entry in found.changes):
            command.stdout.write("  nothing")


def _rebuild(command: BaseCommand, options: Mapping[str, Any]) -> None:
    alias = options["provider"]
    aliases = [alias] if alias else list(settings.PROVIDERS)
    if any(options[name] for name in FILTERS if name != "provider") or options["receiver"]:
        raise CommandError("--rebuild takes all events of an alias: only --provider goes with it.")
    unknown = set(aliases) - set(settings.PROVIDERS)
    if unknown:
        raise CommandError(f"No provider is configured under {alias!r}.")
    for each in aliases:
        total = rebuilding.events_of(each).count()
        with Progress(command.stderr) as progress:
            rebuilt = rebuilding.rebuild(each, tell=partial(progress.show_part, of=total))
        _report(command, each, rebuilt)


def _report(command: BaseCommand, alias: str, rebuilt: rebuilding.Rebuilt) -> None:
    for each in rebuilt.differences:
        where = f"{each.model} {each.row}" + (f": {each.field}" if each.field else "")
        command.stdout.write(f"  {where}: {each.live!s} -> {each.rebuilt!s}")
    command.stdout.write(
        f"{alias}: {len(rebuilt.differences)} differences after {rebuilt.events} events."
    )
    if rebuilt.unreadable:
        command.stdout.write(f"{len(rebuilt.unreadable)} events say nothing readable.")
    if rebuilt.pruned:
        command.stdout.write(f"{rebuilt.pruned} events were pruned, so what they said is missing.")
