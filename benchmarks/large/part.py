"""What one process does of a run, as the environment tells it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Part:
    """So many events until a time, measured in this turn; the first is 0."""

    events: int
    until: datetime
    turn: int = 0

    @classmethod
    def from_environment(cls) -> Part:
        events, until, turn = os.environ["BENCH_PART"].split()
        return cls(int(events), datetime.fromisoformat(until), int(turn))

    def environment(self) -> dict[str, str]:
        """Return what `from_environment` reads."""
        return {"BENCH_PART": f"{self.events} {self.until.isoformat()} {self.turn}"}
