"""What the harness saw from outside, and what stands in the database."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from billing_webhooks.models import WebhookEvent
from tests.chaos.havoc import Disturbance
from tests.chaos.senders import Answer


@dataclass
class Evidence:
    """Asked only when nothing runs any more. An event is known by provider and key."""

    answers: Sequence[Answer]
    disturbances: Sequence[Disturbance]
    web_log: Path
    is_everything_posted: bool
    havoc_seconds: float
    calm_seconds: float

    @cached_property
    def posted(self) -> dict[tuple[str, str], bytes]:
        """The bytes of each event that was posted."""
        return {_name(answer): answer.event.body for answer in self.answers}

    @cached_property
    def answered(self) -> set[tuple[str, str]]:
        return {_name(answer) for answer in self.answers if answer.status == 200}

    @cached_property
    def rows(self) -> list[WebhookEvent]:
        return list(WebhookEvent.objects.order_by("received_at", "id"))

    @cached_property
    def stored(self) -> Counter[tuple[str, str]]:
        return Counter(name_of(row) for row in self.rows)

    def is_excused(self, answer: Answer, missing: str) -> bool:
        """Return whether what a post needed was not there at some time between its two ends."""
        return any(
            what == missing and began <= answer.ended and answer.began <= ended
            for what, began, ended in self._outages
        )

    @cached_property
    def _outages(self) -> list[tuple[str, float, float]]:
        """What was missing, since when, and until when: until somebody was answered again."""
        good = [answer for answer in self.answers if answer.status == 200]
        outages = []
        for each in self.disturbances:
            again = min((a.ended for a in good if a.began > each.ended), default=math.inf)
            outages.append((each.what, each.began, again))
        return outages


def name_of(row: WebhookEvent) -> tuple[str, str]:
    # BillaBear sends no id, and here no two of its events have the same bytes.
    return row.provider, row.external_id or bytes(row.body).decode()


def _name(answer: Answer) -> tuple[str, str]:
    return answer.event.provider, answer.event.key
