"""
Measure one database at each size, in a process of its own, and write what was found.

    python -m benchmarks.large.measuring FILE

The environment says where: see `Bench`; and how many events there shall be.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import django

from benchmarks.bench import Bench
from benchmarks.clock import Measurement, interleaved, timed
from benchmarks.large import VARIABLE
from benchmarks.large.figures import Figure, Size

if TYPE_CHECKING:
    from benchmarks.large.rows import History

ROUNDS, WARM_UP, SECONDS = 15, 2, 90.0
QUICK_ROUNDS = 1


def main(arguments: Sequence[str]) -> None:
    """Measure, and write as soon as something is known."""
    django.setup()
    bench = Bench.from_environment()
    with Path(arguments[0]).open("a") as file:
        for events in map(int, os.environ[VARIABLE].split(",")):
            for found in measured(bench, events):
                kind = type(found).__name__
                print(json.dumps([kind, asdict(found)]), file=file, flush=True)


def measured(bench: Bench, events: int) -> Iterator[Figure | Size]:
    """Fill the tables, yield what they take, and what everything takes on them."""
    # Models can be imported only now.
    from benchmarks.large.filling import fill
    from benchmarks.large.rows import History
    from benchmarks.large.taking import sizes

    history = History(events, datetime.now(UTC))
    fill(history)
    yield from sizes(bench.database, events)
    print(f"Measuring {events} events …", file=sys.stderr, flush=True)
    rounds, warm_up = (QUICK_ROUNDS, 0) if bench.is_quick else (ROUNDS, WARM_UP)
    samples = interleaved(measurements(bench, history), rounds, SECONDS, warm_up=warm_up)
    for what, found in samples.items():
        yield Figure(bench.database, events, what, found.values)


def measurements(bench: Bench, history: History) -> Mapping[str, Measurement]:
    """Return what is measured by its name."""
    from benchmarks.large.measured import Delivering, Looking, Working

    preparations = {
        **Delivering(bench).preparations(),
        **Working(history).preparations(),
        **Looking(history).preparations(),
    }
    return {what: timed(prepare) for what, prepare in preparations.items()}


if __name__ == "__main__":
    main(sys.argv[1:])
