"""A genuine event of Kinde's, with any claims replaced."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from billing_webhooks.testing import kinde_event
from tests.kinde.deliveries import CHANGED_PLAN

NOW = datetime.now(UTC)
EVENT_ID = "event_" + "0a" * 16
TYPE = "customer.plan_changed"


def event(**claims: Any) -> dict[str, Any]:
    """Return a genuine event with claims replaced or added; made again, it says the same."""
    return {**kinde_event(TYPE, CHANGED_PLAN, event_id=EVENT_ID, occurred_at=NOW), **claims}
