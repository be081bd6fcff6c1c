"""How much is measured: enough to be believed, or only so much that everything runs once."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Sizes:
    """
    How often or how long each thing is measured; seconds are the most it may take.

    `events` are in the history that everything draws from, and in the backlog; `calls` are
    timed in a row, and that so many `turns`.
    """

    events: int
    calls: int
    turns: int
    calls_seconds: float
    burst: int
    bursts: int
    bursts_seconds: float
    worked: int
    working_rounds: int
    working_seconds: float
    batches: tuple[int, ...]
    drains: int
    drain_seconds: float
    draining_seconds: float
    rate: float
    rate_seconds: float


FULL = Sizes(
    events=10000,
    calls=20,
    turns=30,
    calls_seconds=8,
    burst=300,
    bursts=5,
    bursts_seconds=16,
    worked=150,
    working_rounds=5,
    working_seconds=10,
    batches=(100, 1000),
    drains=3,
    drain_seconds=8,
    draining_seconds=24,
    rate=200,
    rate_seconds=6,
)
QUICK = Sizes(
    events=60,
    calls=2,
    turns=1,
    calls_seconds=1,
    burst=4,
    bursts=1,
    bursts_seconds=1,
    worked=6,
    working_rounds=1,
    working_seconds=1,
    batches=(10,),
    drains=1,
    drain_seconds=20,
    draining_seconds=1,
    rate=50,
    rate_seconds=0.2,
)
