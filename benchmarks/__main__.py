"""
Measure everything there is to measure, and print one table.

    python -m benchmarks [--only SECTION,…] [--database NAME] [--quick]

Ratios hold within one run; times are those of this machine at this hour. Nothing is asserted:
the exit status is 0 whatever was reached, and 1 if something could not be measured. All of it
is in temporary directories.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.machine import machine
from benchmarks.run import SECTIONS, Run
from benchmarks.stage import DATABASES, stage
from benchmarks.table import markdown
from tests.chaos import leaving


def main(arguments: Sequence[str]) -> int:
    """Return the exit status for this script."""
    options = _options(arguments)
    leaving.listen()
    began = time.monotonic()
    with (
        tempfile.TemporaryDirectory(prefix="benchmarks-") as name,
        stage(Path(name).resolve(), options.database, is_quick=options.quick) as running,
    ):
        told = list(machine(running.server, running.broker))
        run = Run(running, options.only)
        rows = list(run.rows())
    print(*told, "", *markdown(rows), "", sep="\n")
    print(f"Measured in {time.monotonic() - began:.0f} s.")
    return 1 if run.failed else 0


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--only", type=_sections, default=tuple(SECTIONS), help=f"some of {', '.join(SECTIONS)}"
    )
    parser.add_argument("--database", action="append", choices=DATABASES, help="this one alone")
    parser.add_argument("--quick", action="store_true", help="hardly anything: see that it runs")
    options = parser.parse_args(arguments)
    options.database = options.database or DATABASES
    return options


def _sections(text: str) -> tuple[str, ...]:
    unknown = [name for name in text.split(",") if name not in SECTIONS]
    if unknown:
        raise argparse.ArgumentTypeError(f"There is no {', '.join(unknown)}.")
    return tuple(name for name in SECTIONS if name in text.split(","))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
