"""
Measure the same at more and more events, and print one table.

    python -m benchmarks.large [--events NUMBER,…] [--database NAME] [--quick]

The first size is small, and the others are held against it: what is flat stays near 1. Five
million events take about 20 GB in a temporary directory, and the run half an hour; --events
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
from pathlib import Path

from benchmarks.large import EVENTS, SMALL, VARIABLE
from benchmarks.large.figures import FLAT, SHORT, Figure, Size, cells
from benchmarks.machine import machine
from benchmarks.stage import DATABASES, SQLITE, Stage, stage
from benchmarks.table import aligned
from tests.chaos import leaving

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
    most = MOST_ON_SQLITE if database == SQLITE else max(options.events)
    events = [SMALL, *(number for number in options.events if number <= most)]
    bench = running.bench(database, "large")
    running.prepare(bench, SETTINGS)
    path = bench.directory / "found"
    environment = {
        **os.environ,
        **bench.environment(),
        "BENCH_ISSUER": running.issuer.url,
        "DJANGO_SETTINGS_MODULE": SETTINGS,
        VARIABLE: ",".join(map(str, events)),
    }
    command = [sys.executable, "-m", "benchmarks.large.measuring", str(path)]
    subprocess.run(command, env=environment, check=True)
    for line in path.read_text().splitlines():
        kind, values = json.loads(line)
        yield Figure(**values) if kind == Figure.__name__ else Size(**values)


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
