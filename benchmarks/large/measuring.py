"""
Fill a database, or measure on it what there is to measure, in a process of its own.

    python -m benchmarks.large.measuring fill|measure FILE

What was found is appended to the file. The environment says where: see `Bench` and `Part`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import django

from benchmarks.bench import Bench
from benchmarks.clock import Measurement, interleaved, timed
from benchmarks.large.figures import Figure, Size
from benchmarks.large.part import Part

if TYPE_CHECKING:
    from benchmarks.large.rows import History

ROUNDS, WARM_UP, SECONDS = 6, 2, 30.0
QUICK_ROUNDS = 1


def main(arguments: Sequence[str]) -> None:
    """Do as told, and write as soon as something is known."""
    what, path = arguments
    django.setup()
    # Models can be imported only now.
    from benchmarks.large.rows import History

    bench, part = Bench.from_environment(), Part.from_environment()
    history = History(part.events, part.until)
    found = filled(bench, history) if what == "fill" else measured(bench, history, part.turn)
    with Path(path).open("a") as file:
        for each in found:
            print(json.dumps([type(each).__name__, asdict(each)]), file=file, flush=True)


def filled(bench: Bench, history: History) -> Iterator[Size]:
    """Fill the tables, and yield what they take."""
    from benchmarks.large.filling import fill
    from benchmarks.large.taking import sizes

    print(f"Filling {bench.database} with {history.events} events …", file=sys.stderr, flush=True)
    fill(history)
    yield from sizes(bench.database, history.events)


def measured(bench: Bench, history: History, turn: int) -> Iterator[Figure]:
    """Yield how long everything takes."""
    rounds, warm_up = (QUICK_ROUNDS, 0) if bench.is_quick else (ROUNDS, WARM_UP)
    measurements = _measurements(bench, history, turn * 2 * (rounds + warm_up) + turn)
    samples = interleaved(measurements, rounds, SECONDS, warm_up=warm_up)
    for what, found in samples.items():
        yield Figure(bench.database, history.events, what, found.values)


def _measurements(bench: Bench, history: History, posted: int) -> Mapping[str, Measurement]:
    from benchmarks.large.measured import Delivering, Looking, Working

    preparations = {
        **Looking(history).preparations(),
        **Delivering(bench, posted).preparations(),
        **Working(history).preparations(),
    }
    return {what: timed(prepare) for what, prepare in preparations.items()}


if __name__ == "__main__":
    main(sys.argv[1:])
