"""How much of the processor a program takes, with whatever it has started; Linux only."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
# Of the columns behind the name: the parent; and the process's time and that of its children
# who have ended, in user and in system mode.
PARENT, TIMES = 1, slice(11, 15)


def seconds_of(pid: int) -> float:
    """Return the seconds that a process, and all who descend from it, have taken so far."""
    parents: dict[int, int] = {}
    seconds: dict[int, float] = {}
    for found, columns in _processes():
        parents[found] = int(columns[PARENT])
        seconds[found] = sum(map(int, columns[TIMES])) / TICKS_PER_SECOND
    return sum(seconds[found] for found in parents if _descends(found, pid, parents))


def own_seconds() -> float:
    """Return the seconds that this process alone has taken so far."""
    times = os.times()
    return times.user + times.system


def busy_seconds() -> float:
    """Return the seconds that all processes of the machine have taken since it was started."""
    user, nice, system, _, _, interrupts, soft, *_ = _machine()
    return (user + nice + system + interrupts + soft) / TICKS_PER_SECOND


def _machine() -> list[int]:
    first, *_ = Path("/proc/stat").read_text().splitlines()
    return [int(column) for column in first.split()[1:]]


def _processes() -> Iterator[tuple[int, list[str]]]:
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            # The name stands in brackets and may hold anything.
            yield int(path.parent.name), path.read_text().rpartition(") ")[2].split()


def _descends(found: int, pid: int, parents: dict[int, int]) -> bool:
    while found in parents:
        if found == pid:
            return True
        found = parents[found]
    return False
