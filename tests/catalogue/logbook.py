"""What a server process logs, as lines of JSON that a test can read back."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from pathlib import Path


class JSONLines(logging.Formatter):
    """A record as one line of JSON, which no message can forge."""

    def format(self, record: logging.LogRecord) -> str:
        traceback = self.formatException(record.exc_info) if record.exc_info else ""
        return json.dumps([record.levelname, record.name, record.getMessage(), traceback])


@dataclass(frozen=True)
class Record:
    level: str
    logger: str
    message: str
    traceback: str

    def __str__(self) -> str:
        return f"{self.level} {self.logger}"

    def is_of(self, *packages: str) -> bool:
        return self.logger.partition(".")[0] in packages


class Logbook:
    """The log file of a server process."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._read = 0

    def everything(self) -> list[Record]:
        with self.path.open() as lines:
            return [Record(*json.loads(line)) for line in lines]

    def news(self) -> list[Record]:
        """Return what was logged since this was asked last."""
        with self.path.open() as lines:
            lines.seek(self._read)
            records = [Record(*json.loads(line)) for line in lines.readlines()]
            self._read = lines.tell()
        return records
