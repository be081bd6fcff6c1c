"""Events that are stored and wait to be worked off, again and again the same."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import connection

from billing_webhooks.models import WebhookEvent
from tests.chaos.project.celery_app import app
from tests.chaos.quiet import STORED


class Backlog:
    """The events that are stored now, at most so many, to be stored anew in empty databases."""

    def __init__(self, most: int) -> None:
        rows = WebhookEvent.objects.order_by("received_at", "id").values(*STORED)[:most]
        self._rows: Sequence[dict[str, Any]] = list(rows)

    def store(self) -> None:
        events = [WebhookEvent(**row, next_attempt_at=row["received_at"]) for row in self._rows]
        WebhookEvent.objects.bulk_create(events, batch_size=500)
        with connection.cursor() as cursor:
            # As it is in a database that has grown slowly.
            cursor.execute("ANALYZE")

    def wake(self, workers: int) -> None:
        """Let each worker sweep, as beat does it sooner or later."""
        for _ in range(workers):
            app.send_task("billing_webhooks.sweep")
