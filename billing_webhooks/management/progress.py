"""One line of progress, rewritten in place on a terminal and seldom written to a log."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType
from typing import Any

BAR = 20
# Seconds from one line to the next.
ON_A_TERMINAL = 0.1
IN_A_LOG = 10.0


class Progress:
    """
    A line on a command's `stream` that is rewritten with each `show`.

    Where nobody watches, it is a line of its own now and then, and none if all is done
    soon.
    """

    def __init__(self, stream: Any, clock: Callable[[], float] = time.monotonic) -> None:
        self.stream = stream
        self.clock = clock
        self.is_rewritten = bool(stream.isatty())
        self.pause = ON_A_TERMINAL if self.is_rewritten else IN_A_LOG
        self.next_at = clock() + (0 if self.is_rewritten else self.pause)
        self.line = self.shown = ""

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self.is_rewritten and self.line:
            self._write()
            self.stream.write("")

    def show(self, line: str) -> None:
        """Show a line, unless the last one has only just been shown."""
        self.line = line
        if line != self.shown and self.clock() >= self.next_at:
            self._write()

    def show_part(self, done: int, of: int) -> None:
        """Show how much of something long is done, as a bar."""
        filled = BAR * done // max(of, 1)
        self.show(f"[{'#' * filled}{'.' * (BAR - filled)}] {done} of {of}")

    def _write(self) -> None:
        if self.is_rewritten:
            self.stream.write("\r" + self.line.ljust(len(self.shown)), str, ending="")
            self.stream.flush()
        else:
            self.stream.write(self.line, str)
        self.shown = self.line
        self.next_at = self.clock() + self.pause
