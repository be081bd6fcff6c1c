"""
Measure the same at more and more events, and print one table.

    python -m benchmarks.large [--events NUMBER,…] [--database NAME] [--quick]

The first size is small, and the others are held against it: what is flat stays near 1. Five
million events take about 20 GB in a temporary directory, and the run up to an hour; --events
100000 is enough for a look. Nothing is asserted.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.large.figures import FLAT, SHORT, Figure, Size, cells
from benchmarks.large.part import Part
from benchmarks.machine import machine
from benchmarks.stage import DATABASES, SQLITE, Stage, stage
from benchmarks.table import aligned
from tests.chaos import leaving

# Not an empty table, of which there would be nothing to show, but one that fills each page.
SMALL = 3000
EVENTS = (1_000_000, 5_000_000)
# All sizes in each, so that what disturbs the machine disturbs them all.
TURNS = 3
FOUND = "found"
SETTINGS = "benchmarks.large.settings"
# A file that large is not what SQLite is for.
MOST_ON_SQLITE = 1_000_000
FLAT_ONES = (
    "acknowledge an event",
    "acknowledge a repeated one",
    "work an event",
    "find what is due",
    "begin an attempt",
    "health",
    "events, page one",
    "a customer of few events",
    "API: customers changed since then",
    "API: events, page one",
    "API: a customer",
)


def main(arguments: Sequence[str]) -> int:
    """Return the exit status for this script."""
    options = _options(arguments)
    leaving.listen()
    with (
        tempfile.TemporaryDirectory(prefix="benchmarks-") as name,
        stage(Path(name).resolve(), options.database, is_quick=options.quick) as running,
    ):
        told = list(machine(running.server, running.broker))
        found = [
            each for database in running.databases for each in _found(running, database, options)
        ]
    figures = [each for each in found if isinstance(each, Figure)]
    targets = {each.what: FLAT if each.what in FLAT_ONES else SHORT for each in figures}
    print(*told, "", *aligned(list(cells(figures, targets))), "", sep="\n")
    print(*(f"{each.database}: {each}" for each in found if isinstance(each, Size)), sep="\n")
    return 0


def _found(running: Stage, database: str, options: argparse.Namespace) -> Iterator[Figure | Size]:
    """Fill a database for each size, then measure them in turn, and yield all that was found."""
    most = MOST_ON_SQLITE if database == SQLITE else max(options.events)
    until = datetime.now(UTC)
    parts = {}
    for events in [SMALL, *(number for number in options.events if number <= most)]:
        bench = running.bench(database, f"large_{events}")
        running.prepare(bench, SETTINGS)
        parts[bench] = Part(events, until)
        _run(running, bench, parts[bench], "fill")
    for turn in range(1 if options.quick else TURNS):
        for bench, part in parts.items():
            _run(running, bench, replace(part, turn=turn), "measure")
    for bench in parts:
        for line in (bench.directory / FOUND).read_text().splitlines():
            kind, values = json.loads(line)
            yield Figure(**values) if kind == Figure.__name__ else Size(**values)


def _run(running: Stage, bench: Bench, part: Part, what: str) -> None:
    environment = {
        **os.environ,
        **bench.environment(),
        **part.environment(),
        "BENCH_ISSUER": running.issuer.url,
        "DJANGO_SETTINGS_MODULE": SETTINGS,
    }
    path = str(bench.directory / FOUND)
    command = [sys.executable, "-m", "benchmarks.large.measuring", what, path]
    subprocess.run(command, env=environment, check=True)


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.large",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--events", type=_numbers, default=EVENTS, help=f"more than {SMALL}; several with commas"
    )
    parser.add_argument("--database", action="append", choices=DATABASES, help="this one alone")
    parser.add_argument("--quick", action="store_true", help="once each: see that it runs")
    options = parser.parse_args(arguments)
    options.database = options.database or DATABASES
    return options


def _numbers(text: str) -> tuple[int, ...]:
    numbers = tuple(sorted(map(int, text.split(","))))
    if numbers[0] <= SMALL:
        raise argparse.ArgumentTypeError(f"more than {SMALL}")
    return numbers


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
