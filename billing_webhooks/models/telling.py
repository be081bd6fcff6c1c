"""
What is told of an event, of its changes and of its receivers' work.

The texts are plain: whoever makes HTML of them has to escape them. What a sender chose
holds nothing that a terminal would obey.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from billing_webhooks.models.inbox import WebhookEvent
from billing_webhooks.models.names import Entry, Names, in_order, kind_of, label_of, moment
from billing_webhooks.models.runs import ReceiverRun
from billing_webhooks.wording import last_line, money, printable

# What occurred so shortly before it arrived needs no second time.
AT_ONCE = timedelta(minutes=1)


@dataclass(frozen=True)
class Item:
    """
    One thing that happened: an "event" that arrived, a "change" that it made, a "run" of a
    receiver, or a "link" to a user.

    `event` is the key of the event it belongs to, None for a link. `data` holds what a
    program wants to know, as JSON can hold it.
    """

    kind: str
    at: datetime
    event: UUID | None
    text: str
    data: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.text

    def as_dict(self) -> dict[str, Any]:
        """Return the item as JSON can hold it."""
        return {
            "kind": self.kind,
            "at": self.at.isoformat(),
            "event": None if self.event is None else str(self.event),
            "text": self.text,
            "data": dict(self.data),
        }


def items_of(event: WebhookEvent, runs: Sequence[ReceiverRun], names: Names) -> Iterator[Item]:
    """Yield an event, what it changed, and its receivers' work, in the order of happening."""
    yield of_event(event)
    for entry in event.changes:
        if "model" not in entry:
            yield of_notice(event, entry)
        elif entry["fields"]:
            yield of_change(event, entry, names)
    for run in runs:
        yield of_run(run)


def of_event(event: WebhookEvent) -> Item:
    """Return what is told of an event itself."""
    error = last_line(event.last_error)
    data = {
        "provider": event.provider,
        "type": event.event_type,
        "external_id": event.external_id,
        "occurred_at": event.occurred_at.isoformat(),
        "received_at": event.received_at.isoformat(),
        "state": event.state,
        "outcome": event.outcome,
        "trust": event.trust,
        "attempts": event.attempts,
        "deliveries": event.deliveries,
        "error": error,
        "is_pruned": event.pruned_at is not None,
    }
    head = _("%(type)s of %(provider)s: %(state)s") % {
        "type": printable(event.event_type) or _("unreadable event"),
        "provider": event.provider,
        "state": _with_error(_standing(event), error),
    }
    text = f"{head} ({', '.join(_details(event))})"
    if event.pruned_at is not None:
        text += "; " + _("what it said and changed is no longer kept")
    return Item("event", event.received_at, event.pk, text, data)


def _standing(event: WebhookEvent) -> str:
    """Return how far an event has come."""
    states = WebhookEvent.State
    if event.state == states.PROCESSED:
        return event.get_outcome_display()
    if event.state == states.QUARANTINED:
        return _("kept, but not to be understood")
    applied = "" if event.applied_at is None else event.get_outcome_display() + ", "
    if event.state == states.PENDING:
        return applied + (_("not all receivers have succeeded yet") if applied else _("waiting"))
    tried = ngettext(
        "given up after %(count)d attempt", "given up after %(count)d attempts", event.attempts
    )
    return applied + tried % {"count": event.attempts}


def _details(event: WebhookEvent) -> Iterator[str]:
    if event.external_id:
        yield printable(event.external_id)
    if abs(event.received_at - event.occurred_at) > AT_ONCE:
        yield _("occurred at %(time)s") % {"time": moment(event.occurred_at)}
    yield event.get_trust_display()


def of_change(event: WebhookEvent, entry: Entry, names: Names) -> Item:
    """Return what is told of a row that an event changed, or made."""
    row = names.of(entry["model"], entry["id"])
    head = _("%(kind)s %(row)s (new)") if entry["created"] else "%(kind)s %(row)s"
    parts = {
        "kind": kind_of(entry["model"]),
        "row": row,
        "changes": "; ".join(
            f"{label}: {change}" for label, change in _fields(entry, names) if change != row
        ),
    }
    data = {
        "model": entry["model"],
        "id": entry["id"],
        "row": row,
        "created": entry["created"],
        "fields": entry["fields"],
        "signals": entry["signals"],
    }
    text = ": ".join(filter(None, [head % parts, parts["changes"]]))
    return Item("change", event.applied_at or event.received_at, event.pk, text, data)


def _fields(entry: Entry, names: Names) -> Iterator[tuple[str, str]]:
    """Yield the label of each field that changed, with "old → new", or what is new of a row."""
    model, fields = entry["model"], dict(entry["fields"])
    if entry["created"] and "amount" in fields:
        # Beside its unit and currency the number says more.
        amount, unit, currency = (
            fields.pop(name, [None, None])[1] for name in ("amount", "amount_unit", "currency")
        )
        yield label_of(model, "amount"), money(Decimal(amount), unit or "unknown", currency)
    for name in in_order(model, fields):
        old, new = fields[name]
        before, now = (names.value(model, name, value) for value in (old, new))
        if before == now and isinstance(old, str):
            # Two times in one second, say.
            before, now = printable(old), printable(str(new))
        is_first = entry["created"] and old is None
        yield label_of(model, name), now if is_first else f"{before} → {now}"


def of_notice(event: WebhookEvent, entry: Entry) -> Item:
    """Return what is told of a notice, which is about no row."""
    said = "; ".join(f"{name}: {value}" for name, value in entry["data"].items() if value)
    text = f"{', '.join(entry['signals'])}: {printable(said)}"
    data = {"signals": entry["signals"], "notice": entry["data"]}
    return Item("change", event.applied_at or event.received_at, event.pk, text, data)


def of_run(run: ReceiverRun) -> Item:
    """Return what is told of a receiver's work."""
    error = last_line(run.last_error)
    state = run.get_state_display()
    if run.attempts != 1:
        tried = ngettext("%(count)d attempt", "%(count)d attempts", run.attempts)
        state = f"{state} ({tried % {'count': run.attempts}})"
    text = _("receiver %(receiver)s of %(signal)s: %(state)s") % {
        "receiver": printable(run.receiver),
        "signal": printable(run.signal),
        "state": _with_error(state, error),
    }
    data = {
        "id": run.pk,
        "receiver": run.receiver,
        "signal": run.signal,
        "subject": run.subject,
        "state": run.state,
        "attempts": run.attempts,
        "error": error,
    }
    return Item("run", run.updated_at, run.event_id, text, data)


def of_link(link: Any, user: Any) -> Item:
    """Return what is told of a link to a user; `user` is None if there is no such user."""
    name = printable(str(user)) if user is not None else _("one that is no longer there")
    text = _("linked to user %(user)s") % {"user": name}
    if link.resolver:
        text += " " + _("by %(resolver)s") % {"resolver": printable(link.resolver)}
    data = {"user": str(link.user_id), "resolver": link.resolver}
    return Item("link", link.created_at, None, text, data)


def _with_error(text: str, error: str) -> str:
    return f"{text}: {error}" if error else text
