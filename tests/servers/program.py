"""A command that a test starts, freezes, kills and starts again; none outlives the tests."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from tests.servers.processes import wait_or_kill, wait_until_ready

ROOT = Path(__file__).parents[2]
# It reads until its input ends, which happens when the tests close it and also when they are
# killed, and then ends the process group that it is told.
GUARD = ("/bin/sh", "-c", 'cat; kill -9 "-$0"')


class Program:
    """
    A command, for example gunicorn, in a process group of its own, run from the repository's root.

    What it writes is appended to `log`; `env` is added to the environment.
    """

    def __init__(
        self, command: Sequence[str | Path], log: Path, env: Mapping[str, str] | None = None
    ) -> None:
        self.command = command
        self.log = log
        self.env = dict(env or {})
        self._process: subprocess.Popen[bytes] | None = None
        self._guard: subprocess.Popen[bytes] | None = None
        self._log_start = 0

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The process that was started last."""
        assert self._process is not None
        return self._process

    @property
    def is_started(self) -> bool:
        """Whether there is something to stop or to kill; it may have ended by itself."""
        return self._guard is not None

    def start(self) -> None:
        assert self._guard is None
        with self.log.open("ab") as output:
            self._log_start = output.tell()
            self._process = subprocess.Popen(
                self.command,
                env={**os.environ, **self.env},
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                # Ctrl-C is for the tests, and they end this.
                start_new_session=True,
            )
        self._guard = subprocess.Popen(
            [*GUARD, str(self._process.pid)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def text(self) -> str:
        """Return what it has written since it was started last."""
        return self.log.read_bytes()[self._log_start :].decode(errors="replace")

    def wait_until_ready(self) -> None:
        wait_until_ready(self.is_ready, self.process, self.log)

    def is_ready(self) -> bool:
        """Return whether it does its work; what that means each kind of program knows."""
        return self.process.poll() is None

    def stop(self) -> None:
        """Let it end as SIGTERM makes it, then end whatever is left of it."""
        if self._guard is None:
            return
        self.process.terminate()
        self.thaw()
        wait_or_kill(self.process)
        self.kill()

    def kill(self) -> None:
        """End it and whatever it has started, without a chance to say farewell."""
        if self._guard is None:
            return
        self._guard.communicate()
        self._guard = None
        self.process.wait()

    def freeze(self) -> None:
        """Let it do nothing; its system still accepts connections for it."""
        os.killpg(self.process.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGCONT)
