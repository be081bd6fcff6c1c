"""How much memory processes have held at most, moment by moment."""

from __future__ import annotations

import re
import threading
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType

from tests.servers.processes import children_of

EVERY_SECONDS = 0.05
PEAK = re.compile(r"^VmHWM:\s+(\d+) kB", re.MULTILINE)


class Watch:
    """A thread that looks at processes and their children; use it as a context manager."""

    def __init__(self, pids: Sequence[int]) -> None:
        self._pids = pids
        self._peaks: list[tuple[datetime, int]] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Watch:
        self._look()
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        self._thread.join()

    def peak_mib(self, until: datetime) -> float:
        """Return the most that was held together until then, or when it was first looked at."""
        first = self._peaks[0][1]
        return max((kib for at, kib in self._peaks if at <= until), default=first) / 1024

    def _watch(self) -> None:
        while not self._over.wait(EVERY_SECONDS):
            self._look()

    def _look(self) -> None:
        everybody = [*self._pids, *(child for pid in self._pids for child in children_of(pid))]
        self._peaks.append((datetime.now(UTC), sum(map(_peak_kib, everybody))))


def _peak_kib(pid: int) -> int:
    with suppress(OSError):
        if found := PEAK.search(Path(f"/proc/{pid}/status").read_text()):
            return int(found[1])
    return 0
