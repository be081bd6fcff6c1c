"""Questions about what meters have read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import F, QuerySet, Window
from django.db.models.functions import RowNumber

if TYPE_CHECKING:
    # Ruff does not see the use in a base class.
    from billing_webhooks.models.entries import UsageRecord  # noqa: F401


class UsageRecords(QuerySet["UsageRecord"]):
    """Readings of meters. When one was read counts, not when it arrived; zero is a value."""

    def series(self, meter: str | None = None) -> UsageRecords:
        """Return the readings in order of time, of one meter if given."""
        records = self if meter is None else self.filter(meter=meter)
        return records.order_by("occurred_at", "identity")

    def latest_per_meter(self) -> UsageRecords:
        """
        Return the latest reading of each meter of each customer, in one query.

        A reading whose quantity was no number says nothing: the one before it stands.
        """
        latest_first = Window(
            RowNumber(),
            partition_by=[F("customer"), F("meter")],
            order_by=[F("occurred_at").desc(), F("identity").desc()],
        )
        readings = self.filter(customer__isnull=False, quantity__isnull=False)
        return (
            readings.annotate(place=latest_first).filter(place=1).order_by("customer_id", "meter")
        )
