"""
Measure one section in a process of its own, and write its rows.

    python -m benchmarks.section NAME FILE

The environment says where: see `Bench`. A line of the file is a row, as JSON.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from importlib import import_module
from pathlib import Path

import django

from benchmarks.bench import Bench


def main(arguments: Sequence[str]) -> None:
    """Measure, and write a row as soon as it is known."""
    name, path = arguments
    django.setup()
    bench = Bench.from_environment()
    # Models can be imported only now.
    section = import_module(f"benchmarks.{name}")
    with Path(path).open("a") as file:
        for row in section.rows(bench):
            known = row if row.of else replace(row, of=bench.database)
            print(json.dumps(asdict(known)), file=file, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
