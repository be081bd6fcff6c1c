"""
What Celery's beat has to run, to be imported where the project makes its Celery app.

It is data alone: at that time Django's models are not loaded yet.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

SWEEP_EVERY = timedelta(seconds=5)
PRUNE_EVERY = timedelta(hours=1)
# A tick that nobody took in time is dropped, because the next one does the same. Not much
# sooner: the time is told by the worker's clock.
EXPIRES_SECONDS = 60

BEAT_SCHEDULE: dict[str, dict[str, Any]] = {
    "billing_webhooks.sweep": {
        "task": "billing_webhooks.sweep",
        "schedule": SWEEP_EVERY,
        "options": {"expires": EXPIRES_SECONDS},
    },
    "billing_webhooks.prune": {
        "task": "billing_webhooks.prune",
        "schedule": PRUNE_EVERY,
        "options": {"expires": EXPIRES_SECONDS},
    },
}
