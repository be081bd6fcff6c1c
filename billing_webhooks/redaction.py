"""What people are shown of a payload, where a project says that it is not all."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

from billing_webhooks.conf import settings
from billing_webhooks.models import WebhookEvent

Redact = Callable[[WebhookEvent, dict[str, Any]], Any]


def redact() -> Redact | None:
    """
    Return the function that BILLING_WEBHOOKS_REDACT names, None without one.

    It gets an event and a copy of its payload, and returns what may be shown. Raise
    ImproperlyConfigured if it cannot be had: showing everything would be the wrong guess.
    """
    return settings.function("REDACT")


def shown_payload(event: WebhookEvent) -> Any:
    """Return what may be shown of an event's payload; raises as `payload` and `redact` do."""
    function = redact()
    return event.payload if function is None else function(event, deepcopy(event.payload))
