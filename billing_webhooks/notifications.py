"""What is to be told of an applied event, and with which arguments."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.apps import apps
from django.contrib.auth import get_user_model
from django.db import models, router
from django.db.models import QuerySet

from billing_webhooks import facts
from billing_webhooks.models import Customer, Plan, WebhookEvent
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

# What a row may belong to.
RELATIONS = {"customer", "plan", "subscription"}


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
        if self.entry is None:
            return ""
        # A row that was made anew since keeps the number under which it was told of first.
        if "subject" in self.entry or "model" not in self.entry:
            return str(self.entry.get("subject", ""))
        return f"{self.entry['model']}:{self.entry['id']}"


def notifications(event: WebhookEvent, type_signal: EventSignal | None) -> Iterator[Notification]:
    """Yield, in order: the signal of the event's type, what changed, that it is done."""
    if type_signal is not None:
        yield Notification(type_signal)
    for entry in event.changes:
        for name in entry["signals"]:
            # A stored event may name a signal of another release of this package.
            if name in DOMAIN_SIGNALS:
                yield Notification(DOMAIN_SIGNALS[name], entry)
    yield Notification(event_processed)


def is_heard(event: WebhookEvent, type_signal: EventSignal | None, signals: Iterable[str]) -> bool:
    """Return whether anybody is to be told of an event that sends these domain signals, too."""
    names = {*signals, *(name for entry in event.changes for name in entry["signals"])}
    told = [DOMAIN_SIGNALS[name] for name in names if name in DOMAIN_SIGNALS]
    return any(
        each is not None and each.connected() for each in (type_signal, event_processed, *told)
    )


class Arguments:
    """
    The keyword arguments of an event's notifications, loaded each time they are asked for.

    What was loaded for one receiver may be merged away or changed by the time the next
    one runs, so ask in the transaction in which they are used.
    """

    def __init__(self, db: str, event: WebhookEvent) -> None:
        self.db = db
        self.event = event

    def of(self, notification: Notification) -> dict[str, Any]:
        """Return the arguments beside `signal`, `sender` and `event`."""
        entry = notification.entry
        if entry is None:
            return self._of_event()
        if "model" not in entry:
            return {"customer": self._customer(), **_notice(entry)}
        return self._of_row(entry)

    def _of_event(self) -> dict[str, Any]:
        entries = [entry for entry in self.event.changes if "model" in entry]
        arguments: dict[str, Any] = dict.fromkeys(ARGUMENT_NAMES.values())
        for entry in entries:
            if entry["model"] != "customer":
                arguments[ARGUMENT_NAMES[entry["model"]]] = _row(self.db, entry)
        arguments["customer"] = self._customer()
        arguments["changes"] = {
            ARGUMENT_NAMES[entry["model"]]: typed_changes(entry)
            for entry in entries
            if entry["fields"]
        }
        return arguments

    def _of_row(self, entry: Mapping[str, Any]) -> dict[str, Any]:
        is_customer = entry["model"] == "customer"
        row: Any = _row(self.db, entry) or (self._customer() if is_customer else None)
        customer = row if is_customer else getattr(row, "customer", None) or self._customer()
        changes = typed_changes(entry)
        arguments = {
            "customer": customer,
            "subscription": getattr(row, "subscription", None),
            "plan": getattr(row, "plan", None),
            ARGUMENT_NAMES[entry["model"]]: row,
            "changes": changes,
        }
        if "plan_changed" in entry["signals"]:
            plans = Plan._base_manager.using(self.db)
            arguments["old_plan"] = plans.filter(pk=changes["plan"][0]).first()
        return arguments

    def _customer(self) -> Customer | None:
        """Return whose event it is: not who it was when the event was read, if it was merged."""
        if self.event.customer_id is not None:
            customers = Customer._base_manager.using(self.db).select_related("plan")
            self.event.customer = customers.filter(events=self.event.pk).first()
        return self.event.customer


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
    """
    Return the row of an entry with what it belongs to, None if it is gone.

    One statement: before a second one, what the row points at could be merged away.
    """
    model = apps.get_model("billing_webhooks", entry["model"])
    names = {field.name for field in model._meta.concrete_fields}
    rows: QuerySet[models.Model] = model._base_manager.using(db).filter(pk=entry["id"])
    if related := sorted(names & RELATIONS):
        rows = rows.select_related(*related)
    return rows.first()


def _user(key: str) -> models.Model | None:
    """Return a user of whom an entry tells, None if there is no such user any more."""
    users = get_user_model()
    return users._base_manager.using(router.db_for_write(users)).filter(pk=key).first()


def _notice(entry: Mapping[str, Any]) -> dict[str, facts.Notice | models.Model | None]:
    if "customer_linked" in entry["signals"]:
        return {"user": _user(entry["data"]["user"])}
    if "integration_failed" in entry["signals"]:
        return {"failure": facts.IntegrationFailure(**entry["data"])}
    data = dict(entry["data"])
    if data["threshold"] is not None:
        # JSON holds a decimal as text.
        data["threshold"] = Decimal(data["threshold"])
    return {"threshold": facts.TaxThreshold(**data)}
