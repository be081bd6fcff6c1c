"""The servers that the tests are run on."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.once import on_one_database
from tests.servers.mariadb import MariaDB, mariadb
from tests.servers.processes import NoServer

on_one_database()

ROOT = Path(__file__).parent.parent
SCRIPT = [sys.executable, "-m", "tests.with_database"]
NO_PROGRAMS = "/nowhere"

each_kind = pytest.mark.parametrize("kind", ["postgres", "mariadb"])


def run(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*SCRIPT, *arguments],
        cwd=ROOT,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def directory() -> Iterator[Path]:
    """A directory that other users reach, unlike pytest's: started by root, a server is another."""
    with tempfile.TemporaryDirectory() as name:
        path = Path(name).resolve()
        path.chmod(0o755)
        yield path


@pytest.mark.parametrize(
    "arguments", [[], ["oracle", "true"], ["mariadb"], ["--optional"]], ids=str
)
def test_bad_arguments__tell_how(arguments: list[str]) -> None:
    result = run(*arguments)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith("Usage: ")


@each_kind
def test_command__finds_the_server_and_its_status_is_passed_on(kind: str) -> None:
    result = run(kind, "sh", "-c", "echo $DATABASE_URL; exit 7")
    if result.returncode == 3:
        pytest.skip(result.stderr)
    assert result.returncode == 7
    parts = urlsplit(result.stdout.strip())
    with socket.socket() as gone:
        assert gone.connect_ex((str(parts.hostname), parts.port)) != 0


def test_no_server__one_line_and_status_3_unless_optional() -> None:
    result = run("mariadb", sys.executable, "-c", "print('run')", PATH=NO_PROGRAMS)
    assert (result.returncode, result.stdout) == (3, "")
    assert result.stderr.startswith("Nothing was run on MariaDB: there is no mariadb")
    assert result.stderr.count("\n") == 1
    optional = run("--optional", "mariadb", sys.executable, "-c", "print('run')", PATH=NO_PROGRAMS)
    assert (optional.returncode, optional.stdout) == (0, "")
    assert optional.stderr == result.stderr


@each_kind
def test_sigterm__leaves_nothing(kind: str, directory: Path) -> None:
    wait = "import os, time; print(os.environ['DATABASE_URL'], flush=True); time.sleep(60)"
    with subprocess.Popen(
        [*SCRIPT, kind, sys.executable, "-c", wait],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(directory)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        url = process.stdout.readline().strip()
        process.terminate()
        if not url and process.wait(30) == 3:
            pytest.skip(process.stderr.read())
        assert process.wait(30) == 128 + signal.SIGTERM
    assert list(directory.iterdir()) == []


def test_mariadb__killed_and_started_again_has_what_was_committed(directory: Path) -> None:
    try:
        with mariadb(directory) as server:
            execute(server, "CREATE TABLE kept (id INT PRIMARY KEY)")
            execute(server, "INSERT INTO kept VALUES (1)")
            server.kill()
            assert not server.is_ready()

            server.start()
            server.wait_until_ready()
            assert execute(server, "SELECT id FROM kept") == ((1,),)
            collation = execute(server, "SELECT @@collation_database")
    except NoServer as error:
        pytest.skip(str(error))
    # What the users' servers have.
    assert collation == (("utf8mb4_general_ci",),)


def execute(server: MariaDB, sql: str) -> Any:
    import MySQLdb  # has no wheels, so it is not everywhere

    parts = urlsplit(server.url)
    name = parts.path.removeprefix("/")
    with closing(
        MySQLdb.connect(host=parts.hostname, port=parts.port, user=parts.username, database=name)
    ) as connection:
        connection.autocommit(True)
        cursor = connection.cursor()
        cursor.execute(sql)
        return cursor.fetchall()
