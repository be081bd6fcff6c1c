"""The events that an operation is about."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import QuerySet

from billing_webhooks.conf import settings
from billing_webhooks.database import write_alias
from billing_webhooks.management.options import moment
from billing_webhooks.management.rendering import printable
from billing_webhooks.models import WebhookEvent
from billing_webhooks.replaying import Handled

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
    parser.add_argument(
        "--since",
        type=moment,
        metavar="TIME",
        help="Received then or later: 2026-03-02, or 2026-03-02T10:00+01:00.",
    )
    parser.add_argument("--until", type=moment, metavar="TIME", help="Received before then.")


def events_of(options: Mapping[str, Any]) -> QuerySet[WebhookEvent]:
    """Return the events in the order they occurred; raise CommandError without a choice."""
    refuse_unknown_alias(options["provider"])
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


def refuse_unknown_alias(alias: str | None) -> None:
    if alias is not None and alias not in settings.PROVIDERS:
        known = ", ".join(sorted(settings.PROVIDERS)) or "none"
        raise CommandError(f"No provider is configured under {alias!r}. Configured are: {known}.")


def tell(command: BaseCommand, verb: str, handled: Handled) -> None:
    """Write how many events it was done for; raise CommandError if it was for none of several."""
    refused = [f"{count} not: {why}" for why, count in handled.refused.items()]
    if refused and not handled.keys:
        raise CommandError(printable("\n".join(refused)))
    for line in [f"{verb}: {len(handled.keys)} events.", *refused]:
        command.stdout.write(printable(line))
