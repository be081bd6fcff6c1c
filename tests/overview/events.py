"""Events by the thousand, without what they said."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from billing_webhooks.models import WebhookEvent


def event(received_at: datetime, provider: str = "kinde", **fields: Any) -> WebhookEvent:
    """Return an event that is not saved; processed and applied, if not told otherwise."""
    values = {"state": "processed", "outcome": "applied", **fields}
    return WebhookEvent(
        provider=provider,
        mailbox=f"{provider}:customer:1",
        received_at=received_at,
        occurred_at=received_at,
        body=b"{}",
        **values,
    )
