"""What was measured of hosts, and what that took of the processor."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from benchmarks.clock import Samples

CORES = len(os.sched_getaffinity(0))
# Of a core, or of all cores: from then on more work only waits longer.
FULL = 0.85


@dataclass
class Taken:
    """
    Seconds of the processor by part, over so many seconds; `others` are not of the cluster.

    `log_bytes` is what PostgreSQL has written to its log, by which a commit outlives a crash.
    """

    processes: Mapping[str, int]
    began: float = field(default_factory=time.monotonic)
    seconds: float = 0
    by_part: dict[str, float] = field(default_factory=dict)
    others: float = 0
    log_bytes: int = 0

    @property
    def cores_busy(self) -> float:
        return (sum(self.by_part.values()) + self.others) / self.seconds

    def full(self) -> str:
        """Return what was full: a part whose processes each have a core to work on, or all."""
        for part, number in self.processes.items():
            if self.by_part[part] > FULL * number * self.seconds:
                return part
        return f"the {CORES} cores" if self.cores_busy > FULL * CORES else "nothing"


@dataclass(frozen=True)
class Figures:
    """What so many hosts did; `answers` are the seconds until each answer, if they answer."""

    hosts: int
    events: int
    seconds: float
    taken: Taken
    answers: Sequence[float] = ()

    @property
    def rate(self) -> float:
        return self.events / self.seconds

    def answered_ms(self, share: float) -> float:
        return 1000 * Samples(self.answers).quantile(share)
