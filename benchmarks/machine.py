"""Where it was measured, and with which versions: figures say nothing without."""

from __future__ import annotations

import os
import platform
import re
import sqlite3
import subprocess
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import psycopg

from tests.servers.postgres import PostgreSQL
from tests.servers.valkey import Valkey

PACKAGES = {
    "Django": "Django",
    "psycopg": "psycopg",
    "PyJWT": "PyJWT",
    "cryptography": "cryptography",
    "gunicorn": "gunicorn",
    "Celery": "celery",
    "dj-stripe": "dj-stripe",
}


def machine(server: PostgreSQL | None, broker: Valkey | None) -> Iterator[str]:
    """Yield a line on the machine, and one on the versions."""
    yield f"Machine: {_processor()}, {len(os.sched_getaffinity(0))} cores, {_system()}"
    versions = {"Python": platform.python_version()}
    versions |= {name: _installed(package) for name, package in PACKAGES.items()}
    versions |= {"SQLite": sqlite3.sqlite_version}
    versions |= {"PostgreSQL": _of_postgres(server), "Valkey": _of_valkey(broker)}
    yield "Versions: " + ", ".join(f"{name} {found}" for name, found in versions.items())


def _processor() -> str:
    found = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return found[1] if found else platform.machine()


def _system() -> str:
    try:
        name = platform.freedesktop_os_release()["PRETTY_NAME"]
    except OSError:
        name = platform.system()
    return f"{name}, {platform.system()} {platform.release()}"


def _installed(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "is not installed"


def _of_postgres(server: PostgreSQL | None) -> str:
    if server is None:
        return "is not installed"
    with psycopg.connect(server.url) as connection:
        return connection.info.parameter_status("server_version") or "unknown"


def _of_valkey(broker: Valkey | None) -> str:
    if broker is None:
        return "is not installed"
    command = [str(broker.command[0]), "--version"]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = re.search(r"v=([\d.]+)", told)
    return found[1] if found else told.strip()
