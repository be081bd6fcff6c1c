"""What came of a history beside the billing rows: receivers' runs and their calls."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from django.apps import apps
from django.db import models, transaction

from billing_webhooks.models import (
    ConflictingDelivery,
    Customer,
    CustomerIdentity,
    CustomerLink,
    Heartbeat,
    Invoice,
    Job,
    KeptText,
    Mailbox,
    Payment,
    Plan,
    PlanIdentity,
    ReceiverRun,
    Refusal,
    RefusalCount,
    Subscription,
    UsageRecord,
    WebhookEvent,
)
from billing_webhooks.signals import EventSignal
from tests.models import Call, Note, Tally
from tests.snapshots import natural

# Each before what it refers to.
ALL_MODELS: list[type[models.Model]] = [
    Call,
    Note,
    Tally,
    ReceiverRun,
    ConflictingDelivery,
    WebhookEvent,
    Mailbox,
    Heartbeat,
    Job,
    KeptText,
    *(Refusal, RefusalCount),
    *(UsageRecord, Invoice, Payment, Subscription),
    *(CustomerLink, CustomerIdentity, PlanIdentity, Customer, Plan),
]


def is_settled() -> bool:
    """Return whether every event has been worked off."""
    return not WebhookEvent.objects.filter(state="pending").exists()


def runs(names: Sequence[str] | None = None) -> Counter[tuple[str, ...]]:
    """Return what was to be told, to whom, and how that ended; of these signals, or of all."""
    return Counter(
        (_name_of(run.event), run.signal, _natural_subject(run.subject), run.receiver, run.state)
        for run in ReceiverRun.objects.select_related("event")
        if names is None or run.signal in names
    )


def succeeded() -> Counter[tuple[str, str, str]]:
    """Return how often each receiver succeeded for a signal of an event, as its runs say."""
    return Counter(
        (_name_of(run.event), run.signal, run.receiver)
        for run in ReceiverRun.objects.filter(state="succeeded").select_related("event")
    )


def calls() -> Counter[tuple[str, str, str]]:
    """Return the same as the rows say that the receivers have written."""
    events = WebhookEvent.objects.in_bulk()
    return Counter(
        (_name_of(events[call.event]), call.signal, call.receiver) for call in Call.objects.all()
    )


def note_call(receiver: str, signal: EventSignal, event: WebhookEvent) -> None:
    """Write that a receiver was called, as part of its work."""
    Call.objects.create(event=event.pk, signal=signal.name, receiver=receiver)


def forget() -> None:
    """Delete every row."""
    with transaction.atomic():
        for model in ALL_MODELS:
            queryset: Any = model._base_manager.all()
            queryset._raw_delete(queryset.db)


def _natural_subject(subject: str) -> str:
    """Return what a run is about: a row of ours without its key, which is another each time."""
    name, _, pk = subject.partition(":")
    if not name:
        return ""
    if name == "user":
        return subject
    row = apps.get_model("billing_webhooks", name)._base_manager.filter(pk=pk).first()
    return name if row is None else f"{name} {getattr(row, 'identity', None) or natural(row)}"


def _name_of(event: WebhookEvent) -> str:
    return event.external_id or event.pk.hex
