"""What a customer's meters have read, for the customer's page: as charts, and as numbers."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from django.contrib.admin.utils import display_for_value
from django.db.models import F, Window
from django.db.models.functions import RowNumber
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from billing_webhooks.admin.charts import line
from billing_webhooks.admin.rendering import EMPTY, number, table, visible
from billing_webhooks.models import Customer, UsageRecord

MAX_METERS = 5
MAX_READINGS = 60


@dataclass(frozen=True)
class Meter:
    """A meter's latest readings; `latest` is the latest that has a number."""

    name: str
    latest: str
    latest_at: Any
    chart: SafeString | str
    numbers: SafeString
    count: int


def usage_of(customer: Customer) -> dict[str, Any]:
    """Return the latest readings of a customer's first meters, in two queries."""
    found = customer.usage_records.order_by("meter").values_list("meter", flat=True).distinct()
    names = list(found[: MAX_METERS + 1])
    meters = _readings(customer, names[:MAX_METERS])
    return {
        "meters": [_meter(name, meters[name]) for name in names[:MAX_METERS] if name in meters],
        "is_more": len(names) > MAX_METERS,
    }


def _readings(customer: Customer, names: list[str]) -> dict[str, list[UsageRecord]]:
    """Return the latest readings by meter, the latest first."""
    latest_first = Window(
        RowNumber(),
        partition_by=[F("meter")],
        order_by=[F("occurred_at").desc(), F("identity").desc()],
    )
    records = customer.usage_records.filter(meter__in=names).only(
        "customer", "meter", "occurred_at", "quantity"
    )
    latest = records.annotate(place=latest_first).filter(place__lte=MAX_READINGS)
    meters: dict[str, list[UsageRecord]] = defaultdict(list)
    for record in latest.order_by("meter", "place"):
        meters[record.meter].append(record)
    return meters


def _meter(name: str, readings: list[UsageRecord]) -> Meter:
    known = [each for each in readings if each.quantity is not None]
    title = visible(name) or gettext("without a name")
    points = [(each.occurred_at, each.quantity) for each in reversed(known)]
    rows = [(display_for_value(each.occurred_at, EMPTY), _quantity(each)) for each in readings]
    return Meter(
        title,
        _quantity(known[0]) if known else "?",
        known[0].occurred_at if known else None,
        chart(title, points),
        table((gettext("when"), gettext("quantity")), rows),
        len(readings),
    )


def _quantity(record: UsageRecord) -> str:
    # What was sent and is no number is a reading, too.
    return "?" if record.quantity is None else number(record.quantity)


def chart(title: str, points: list[Any]) -> SafeString | str:
    """Return the readings as a picture with its own table, "" if there is no line to draw."""
    return line(title, points) if len(points) > 1 else ""
