"""What is to be told of an applied event, and with which arguments."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.apps import apps
from django.db import models

from billing_webhooks import facts
from billing_webhooks.models import Plan, WebhookEvent
from billing_webhooks.signals import DOMAIN_SIGNALS, EventSignal, event_processed

# What receivers call the objects, by model name.
ARGUMENT_NAMES = {
    "customer": "customer",
    "plan": "plan",
    "subscription": "subscription",
    "payment": "payment",
    "invoice": "invoice",
    "usagerecord": "usage",
}


@dataclass(frozen=True)
class Notification:
    """
    One signal to be sent for an event.

    `entry` is the entry of the event's changes that it tells of, None if it tells of
    the whole event. `subject` tells several of one signal apart.
    """

    signal: EventSignal
    entry: Mapping[str, Any] | None = None

    @property
    def subject(self) -> str:
        if self.entry is None or "model" not in self.entry:
            return ""
        return f"{self.entry['model']}:{self.entry['id']}"


def notifications(event: WebhookEvent, type_signal: EventSignal | None) -> Iterator[Notification]:
    """Yield, in order: the signal of the event's type, what changed, that it is done."""
    if type_signal is not None:
        yield Notification(type_signal)
    for entry in event.changes:
        for name in entry["signals"]:
            yield Notification(DOMAIN_SIGNALS[name], entry)
    yield Notification(event_processed)


class Arguments:
    """The keyword arguments of an event's notifications, each row loaded once."""

    def __init__(self, db: str, event: WebhookEvent) -> None:
        self.db = db
        self.event = event
        self._rows = {
            (entry["model"], entry["id"]): _row(db, entry)
            for entry in event.changes
            if "model" in entry
        }

    def of(self, notification: Notification) -> dict[str, Any]:
        """Return the arguments beside `signal`, `sender` and `event`."""
        entry = notification.entry
        if entry is None:
            return self._of_event()
        if "model" not in entry:
            return {"customer": self.event.customer, **_notice(entry)}
        return self._of_row(entry)

    def _of_event(self) -> dict[str, Any]:
        arguments: dict[str, Any] = dict.fromkeys(ARGUMENT_NAMES.values())
        arguments |= {ARGUMENT_NAMES[model]: row for (model, _), row in self._rows.items()}
        arguments["customer"] = self.event.customer
        arguments["changes"] = {
            ARGUMENT_NAMES[entry["model"]]: typed_changes(entry)
            for entry in self.event.changes
            if entry.get("fields")
        }
        return arguments

    def _of_row(self, entry: Mapping[str, Any]) -> dict[str, Any]:
        row: Any = self._rows[entry["model"], entry["id"]]
        changes = typed_changes(entry)
        arguments = {
            "customer": getattr(row, "customer", None) or self.event.customer,
            "subscription": getattr(row, "subscription", None),
            "plan": getattr(row, "plan", None),
            ARGUMENT_NAMES[entry["model"]]: row,
            "changes": changes,
        }
        if "plan_changed" in entry["signals"]:
            plans = Plan._base_manager.using(self.db)
            arguments["old_plan"] = plans.filter(pk=changes["plan"][0]).first()
        return arguments


def typed_changes(entry: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Return field → (old, new) of a stored change, as the model's fields hold values."""
    fields = apps.get_model("billing_webhooks", entry["model"])._meta
    return {
        name: (_typed(fields.get_field(name), old), _typed(fields.get_field(name), new))
        for name, (old, new) in entry["fields"].items()
    }


def _typed(field: models.Field[Any, Any], value: Any) -> Any:
    # A new row's fields were None before, also those that may not be: a BooleanField
    # that is not nullable refuses it.
    return None if value is None else field.to_python(value)


def _row(db: str, entry: Mapping[str, Any]) -> models.Model | None:
    """Return the row of an entry, None if it was deleted meanwhile."""
    rows: models.Manager[models.Model] = apps.get_model(
        "billing_webhooks", entry["model"]
    )._base_manager
    return rows.using(db).filter(pk=entry["id"]).first()


def _notice(entry: Mapping[str, Any]) -> dict[str, facts.Notice]:
    if "integration_failed" in entry["signals"]:
        return {"failure": facts.IntegrationFailure(**entry["data"])}
    data = dict(entry["data"])
    if data["threshold"] is not None:
        # JSON holds a decimal as text.
        data["threshold"] = Decimal(data["threshold"])
    return {"threshold": facts.TaxThreshold(**data)}
