"""A delivery whose workers die one after the other, and what must come of it all the same."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.test import Client

from billing_webhooks.models import WebhookEvent
from billing_webhooks.sweeping import sweep
from tests.crashes.processes import Tell, live
from tests.outcomes import calls, forget, is_settled, runs
from tests.snapshots import snapshot
from tests.waiting import until

ANSWERED = "the answer 200"


@dataclass(frozen=True)
class Story:
    """A delivery whose workers die, and those before it whose workers live."""

    body: bytes
    before: Sequence[bytes] = ()

    def begin(self) -> None:
        forget()
        for body in self.before:
            assert post(body) == 200
        until(is_settled, sweep)

    def live(self, steps: Sequence[str] = (), *, dies_before: int | None = None) -> list[str]:
        """Return the steps of a process that takes over after these, and dies before its Nth."""
        return live(lambda tell: self._work(steps, tell), dies_before=dies_before)

    def end(self, steps: Sequence[str]) -> dict[str, Any]:
        """Take over after these steps, for good, and return what has come of it all."""
        self._work(steps, lambda step: None)
        # A server may take a moment to see that the dead one's connection is gone.
        until(is_settled, sweep)
        return outcome()

    def _work(self, steps: Sequence[str], tell: Tell) -> None:
        # Kinde posts until it is answered with 200, and then never again.
        if ANSWERED not in steps:
            assert post(self.body) == 200
            tell(ANSWERED)
        sweep()


def post(body: bytes) -> int:
    return Client().post("/webhooks/kinde", body, content_type="application/jwt").status_code


def outcome() -> dict[str, Any]:
    events = WebhookEvent.objects.order_by("external_id")
    return {
        "events": list(events.values_list("external_id", "state", "outcome", "attempt_began_at")),
        "rows": snapshot(),
        "runs": runs(),
        "calls": calls(),
    }


def writes(steps: Sequence[str]) -> Iterator[int]:
    """Yield the numbers of the steps that others can see the work of: commits and lone writes."""
    is_in_transaction = False
    for number, step in enumerate(steps):
        if step in {"BEGIN", "COMMIT", "ROLLBACK"}:
            is_in_transaction = step == "BEGIN"
        if step == "COMMIT" or not (is_in_transaction or step.startswith("SELECT")):
            yield number


def name_of(step: str) -> str:
    """Return a step in short, such as "UPDATE customer email plan_id"; of several in one, all."""
    sql = re.sub(r'["`]|billing_webhooks_', "", step)
    if sql.startswith("WITH "):
        return " ".join(name_of(part) for part in re.split(r"w\d+ AS \(", sql)[1:])
    verb_and_table = re.match(r"(?:INSERT INTO|UPDATE|SELECT .* FROM) \w+", sql)
    if verb_and_table is None:
        return sql
    written = re.findall(r"(\w+) = ", sql.partition(" SET ")[2].partition(" WHERE ")[0])
    words = re.sub(r" .* FROM", "", verb_and_table[0]).split()
    return " ".join([words[0], words[-1], *written])
