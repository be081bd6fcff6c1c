"""
What belongs to the project fails here without harm: its log, its metrics, its traces.

They are called in the middle of a request or of an event's work, and none of them may decide
what becomes of it.
"""

from __future__ import annotations

import logging
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from types import TracebackType
from typing import Any

COMPLAIN_EVERY_SECONDS = 60.0

_complained_at: dict[tuple[str, type[Exception]], float] = {}


def _at(level: int, **usual: Any) -> Callable[..., None]:
    """Return the method of a logger that logs at this level, and never raises."""

    def log(self: HarmlessLogger, msg: object, *args: object, **kwargs: Any) -> None:
        extra = {**self.extra, **kwargs.pop("extra", {})}
        # What the record names as its origin is the caller, and not this line.
        options = {"stacklevel": 2, **usual, **kwargs}
        try:
            self.logger.log(level, msg, *args, extra=extra, **options)
        except Exception:
            _say_so()

    return log


class HarmlessLogger:
    """
    A logger whose filters and handlers may raise: then nothing is logged, and that is all.

    `extra` is given to each record, beside what the caller gives it.
    """

    def __init__(self, logger: logging.Logger, extra: Mapping[str, object]) -> None:
        self.logger, self.extra = logger, extra

    debug = _at(logging.DEBUG)
    info = _at(logging.INFO)
    warning = _at(logging.WARNING)
    error = _at(logging.ERROR)
    exception = _at(logging.ERROR, exc_info=True)


def get_logger(name: str) -> HarmlessLogger:
    """Return the logger of a module that others wait for."""
    return HarmlessLogger(logging.getLogger(name), {})


logger = get_logger(__name__)


class Harmless:
    """
    Go on whatever fails in here, and complain of it in the log, with a traceback.

    Of the same class of error that is once a minute: anybody can make it fail by the
    thousand. `what` is ours, and one of few.
    """

    def __init__(self, what: str) -> None:
        self._what = what

    def __enter__(self) -> None:
        """Do nothing."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool:
        if not isinstance(error, Exception):
            return False
        if _is_new(self._what, type(error)):
            logger.error("%s failed; all else goes on.", self._what, exc_info=error)
        return True


def _is_new(what: str, kind: type[Exception]) -> bool:
    now = time.monotonic()
    complained_at = _complained_at.get((what, kind))
    if complained_at is not None and now - complained_at < COMPLAIN_EVERY_SECONDS:
        return False
    _complained_at[what, kind] = now
    return True


def _say_so() -> None:
    """Tell what is being handled where logging itself tells of handlers that fail."""
    if logging.raiseExceptions and sys.stderr is not None:
        with suppress(Exception):
            traceback.print_exc()
