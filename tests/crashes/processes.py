"""Processes of their own, each killed before one of its steps."""

from __future__ import annotations

import os
import signal
import traceback
import warnings
from collections.abc import Callable
from typing import NoReturn

from django.db import connection, connections

from tests.operations import observed

Tell = Callable[[str], None]


def live(script: Callable[[Tell], None], *, dies_before: int | None = None) -> list[str]:
    """
    Run a script in a process that is killed before its Nth step; return the steps it took.

    A step is an operation on the database, or what the script tells. Without a number, or
    with one that it does not come to, the process is killed when it has done everything.
    """
    # The child must not share a connection.
    connections.close_all()
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        # Python 3.12 warns of threads that the child would miss; the one here serves keys.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        _live_and_die(script, dies_before, writing)
    os.close(writing)
    with os.fdopen(reading, encoding="utf-8") as pipe:
        told = pipe.read().split("\0")[:-1]
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status), f"It was to be killed, and ended by itself:\n{told[-1]}"
    assert os.WTERMSIG(status) == signal.SIGKILL
    return told


def die() -> None:
    """End this process as the kernel does when memory is short: nothing is tidied up."""
    os.kill(os.getpid(), signal.SIGKILL)


def _live_and_die(script: Callable[[Tell], None], dies_before: int | None, pipe: int) -> NoReturn:
    steps = 0

    def step(what: str) -> None:
        nonlocal steps
        if steps == dies_before:
            die()
        steps += 1
        os.write(pipe, what.encode() + b"\0")

    try:
        with observed(connection, step):
            script(step)
            die()
    except BaseException:
        os.write(pipe, traceback.format_exc().encode() + b"\0")
    # Nothing may come out of here: the child would go on with the other tests.
    os._exit(1)
