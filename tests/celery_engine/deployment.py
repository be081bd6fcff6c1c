"""The examples of how to run the project, as commands that can be run here."""

from __future__ import annotations

import os
import re
import shlex
import signal
import sys
from pathlib import Path

from tests.celery_engine.waiting import LONGEST_SECONDS, wait_for
from tests.servers.program import ROOT, Program

DEPLOY = ROOT / "example_project" / "deploy"
BIN = Path(sys.executable).parent
UNITS = sorted(DEPLOY.glob("*.service"))


def of_procfile(path: Path) -> dict[str, list[str]]:
    """Return the command of each process, as a process manager gives it to a shell."""
    lines = [line for line in path.read_text().splitlines() if not line.startswith("#")]
    named = (line.split(": ", 1) for line in lines)
    return {name: ["/bin/sh", "-c", f"exec {command}"] for name, command in named}


def here(path: Path, directory: Path) -> str:
    """Return a unit's text with the places of this machine: state goes into a directory."""
    text = path.read_text()
    for there, place in {
        "/srv/shop/.venv/bin": BIN,
        "/srv/shop": ROOT,
        "/var/lib/billing-webhooks": directory,
    }.items():
        text = text.replace(there, str(place))
    return text


def of_unit(path: Path, directory: Path) -> list[str]:
    """Return the command that a unit starts."""
    [command] = re.findall("^ExecStart=(.*)$", here(path, directory), re.MULTILINE)
    return shlex.split(command)


def end(program: Program, number: signal.Signals = signal.SIGTERM) -> int:
    """Return the exit status with which a program answers a signal, once nothing is left of it."""
    program.process.send_signal(number)
    status = program.process.wait(LONGEST_SECONDS)
    wait_for(lambda: not is_left(program), program.text)
    return status


def is_left(program: Program) -> bool:
    """Return whether anything in a program's process group still lives."""
    try:
        os.killpg(program.process.pid, 0)
    except ProcessLookupError:
        return False
    return True
