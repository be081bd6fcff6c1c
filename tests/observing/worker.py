"""The example project's Celery app with what docs/monitoring.md adds to it, and a bad receiver."""

from __future__ import annotations

import os
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

from billing_webhooks.schedule import BEAT_SCHEDULE
from billing_webhooks.signals import event_processed
from example_project.celery import app

PAGE = Path(__file__).parents[2] / "docs" / "monitoring.md"
[CODE] = re.findall(r"^```python\n(from celery\.signals .*?)^```", PAGE.read_text(), re.M | re.S)

app.conf.beat_schedule = {
    name: {**entry, "schedule": timedelta(seconds=1)} for name, entry in BEAT_SCHEDULE.items()
}
exec(compile(CODE.replace("9100", os.environ["METRICS_PORT"]), PAGE.name, "exec"))  # noqa: S102


def fail_first(event: Any, **kwargs: Any) -> None:
    if event.attempts == 1:
        raise RuntimeError


event_processed.connect(fail_first, weak=False, dispatch_uid="shop.fails_first")
