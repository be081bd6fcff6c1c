"""Receive billing webhooks in Django: proven, stored, ordered, applied once."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from billing_webhooks.vitals import Health

__version__ = "0.1.0"


def health(*, broker: bool = False) -> Health:
    """
    Return how the inbox stands now, and in `problems` what somebody has to look at.

    With `broker`, Celery's broker is asked too, for half a second at most. Raise Django's
    database errors if the database cannot be asked.
    """
    # Here, because this package is imported before Django's models can be.
    from billing_webhooks import vitals

    return vitals.health(broker=broker)
