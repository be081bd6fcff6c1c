"""Everything a database holds, to be compared bit for bit."""

from __future__ import annotations

from collections import Counter
from typing import Any

from django.apps import apps

from billing_webhooks.models import ReceiverRun, WebhookEvent
from billing_webhooks.previewing import Preview


def dump() -> dict[str, list[tuple[Any, ...]]]:
    """Return every row of every table."""
    return {
        model._meta.db_table: list(model._base_manager.order_by("pk").values_list())
        for model in apps.get_models(include_auto_created=True)
    }


def attempts() -> Counter[tuple[Any, str]]:
    """Return how often each receiver was called for each event."""
    calls: Counter[tuple[Any, str]] = Counter()
    for run in ReceiverRun.objects.all():
        calls[run.event_id, run.receiver] += run.attempts
    return calls


def promised(previews: list[Preview]) -> dict[Any, set[str]]:
    """Return which receivers would run, by event."""
    return {found.event.pk: set(found.receivers) for found in previews if found.receivers}


def called(before: Counter[tuple[Any, str]]) -> dict[Any, set[str]]:
    """Return which receivers have run since, by event."""
    calls: dict[Any, set[str]] = {}
    for event, receiver in attempts() - before:
        calls.setdefault(event, set()).add(receiver)
    return calls


def changed(event: WebhookEvent, entries: list[Any]) -> set[tuple[str, str]]:
    """Return the (model, field) pairs in which an event's changes are other than `entries`."""
    before = {(e.get("model"), str(e.get("key"))): e["fields"] for e in entries if "model" in e}
    return {
        (entry["model"], name)
        for entry in event.changes
        if "model" in entry
        for name, values in entry["fields"].items()
        if before.get((entry["model"], str(entry["key"])), {}).get(name) != values
    }
