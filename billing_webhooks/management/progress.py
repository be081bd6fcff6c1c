"""One line of progress, rewritten in place on a terminal and left out of a log."""

from __future__ import annotations

from types import TracebackType
from typing import Any


class Progress:
    """
    A line on a command's `stream` that is rewritten with each `show`.

    Where nobody watches, what has not changed is not repeated, and each line stands.
    """

    def __init__(self, stream: Any) -> None:
        self.stream = stream
        self.is_rewritten = bool(stream.isatty())
        self.shown = ""

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self.is_rewritten and self.shown:
            self.stream.write("\n")

    def show(self, line: str) -> None:
        if line == self.shown:
            return
        if self.is_rewritten:
            self.stream.write("\r" + line.ljust(len(self.shown)), str, ending="")
            self.stream.flush()
        else:
            self.stream.write(line, str)
        self.shown = line

    def show_part(self, done: int, of: int) -> None:
        """Show how much of something long is done, as a bar."""
        filled = 20 * done // max(of, 1)
        self.show(f"[{'#' * filled}{'.' * (20 - filled)}] {done} of {of}")
