"""The cluster in its short form: hosts come and go; `make bench-cluster` also measures."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from benchmarks.cluster import processor
from tests.once import on_one_database
from tests.servers.program import ROOT

on_one_database()

PATIENCE_SECONDS = 300
NO_SERVER = 4
SMALL = ("--part=churn", "--seconds=6", "--rate=20")
PROMISES = (
    "every event answered 200 is stored",
    "it is stored once, byte for byte",
    "every stored event is processed",
    "receivers have counted every processed event",
    "no receiver has counted an event twice",
    "rows equal those of a quiet run",
    "rows equal those of a rebuild",
    "only outages cost an answer",
    "whoever is told to leave does so",
)


def run(*options: str) -> str:
    """Return what a small cluster says; skip without the servers that it needs."""
    command = [sys.executable, "-m", "benchmarks.cluster", *SMALL, *options]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as cluster:
        try:
            said, _ = cluster.communicate(timeout=PATIENCE_SECONDS)
        except BaseException:
            # Killed, it would leave its servers behind.
            cluster.terminate()
            raise
    if cluster.returncode == NO_SERVER:
        pytest.skip(said)
    assert cluster.returncode == 0, said
    return said


def kept(said: str) -> set[str]:
    lines = (line.strip() for line in said.splitlines())
    return {line.removeprefix("kept").strip() for line in lines if line.startswith("kept")}


def test_cluster__keeps_every_promise_while_hosts_come_and_go() -> None:
    assert kept(run()) >= set(PROMISES)


def test_pooler__lends_a_session_for_a_transaction_and_nothing_is_missed() -> None:
    assert kept(run("--pooler", "--brief")) >= set(PROMISES)


def test_processor__counts_children_too() -> None:
    before = processor.seconds_of(os.getpid())
    subprocess.run([sys.executable, "-c", "sum(range(10**7))"], check=True)
    assert processor.seconds_of(os.getpid()) > before
