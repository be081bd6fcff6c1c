"""How the billing rows differ after an event, as the table of docs/state.md tells it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, TypeAlias

from django.db.models import Model

from billing_webhooks.models import (
    Customer,
    Invoice,
    Payment,
    Plan,
    Subscription,
    UsageRecord,
    WebhookEvent,
)
from tests.conftest import at

MODELS: list[type[Model]] = [Plan, Customer, Subscription, Payment, Invoice, UsageRecord]
# What follows from others of a row, and what nobody is told.
NEVER_TOLD = {
    "id",
    "provider",
    "registers",
    "created_at",
    "updated_at",
    "kind",
    "plan_name",
    "provider_status",
}
# What a new row has from the event as it stands there.
AS_SENT = {
    "identity",
    "external_id",
    "customer",
    "subscription",
    "email",
    "organization_code",
    "brand",
    "code",
    "amount",
    "meter",
    "occurred_at",
    "has_trial",
    "trial_days",
    "standalone_trial",
    "amount_unit",
}

Rows: TypeAlias = dict[tuple[str, int], Model]


def rows() -> Rows:
    return {(model.__name__, row.pk): row for model in MODELS for row in model._base_manager.all()}


def told(before: Rows, after: Rows) -> str:
    """Return what is new, gone and changed, "nothing" if nothing is."""
    lines = [_line(row, before.get(key)) for key, row in after.items()]
    lines += [f"{_name(row)} is gone" for key, row in before.items() if key not in after]
    return "; ".join(filter(None, lines)) or "nothing"


def _line(row: Model, old: Model | None) -> str:
    changes = ", ".join(_changes(row, old))
    if old is None:
        return f"new {_name(row)}: {changes}" if changes else f"new {_name(row)}"
    return f"{_name(row)}: {changes}" if changes else ""


def _name(row: Any) -> str:
    name = str(row._meta.verbose_name)
    is_second = isinstance(row, Subscription) and row.external_id == "agreement_2"
    return f"{name} {row.external_id}" if is_second else name


def _changes(row: Any, old: Any) -> Iterator[str]:
    for field in row._meta.concrete_fields:
        if field.name in NEVER_TOLD or (old is None and field.name in AS_SENT):
            continue
        before = field.get_default() if old is None else getattr(old, field.attname)
        if getattr(row, field.attname) != before:
            yield f"{field.name} {_value(getattr(row, field.name))}"


def _value(value: Any) -> str:
    if isinstance(value, datetime):
        return _time(value)
    if isinstance(value, Plan):
        return value.name
    if value is None or value == "":
        return "none"
    return str(value).lower() if isinstance(value, bool) else str(value).removesuffix(".000000")


def _time(value: datetime) -> str:
    if value.date() == at("00:00").date():
        return f"{value:%H:%M}"
    event = WebhookEvent.objects.latest("received_at")
    return "now" if value == event.occurred_at else f"{value:%Y-%m-%d}"
