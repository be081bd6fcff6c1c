"""A Prometheus of one's own, and the program that checks its rules, as the system has them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.parse import urlencode
from urllib.request import urlopen

from tests.servers.processes import NoServer, free_port
from tests.servers.program import Program

ANSWER_SECONDS = 10


def find(name: str) -> str:
    """Return the path of a program; raise NoServer."""
    program = shutil.which(name)
    if program is None:
        raise NoServer(f"Prometheus is not installed (no {name})")
    return program


class Prometheus(Program):
    """A server that does what a configuration says, and keeps what it scrapes in a directory."""

    def __init__(self, directory: Path, configuration: Path) -> None:
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        options = {
            "config.file": configuration,
            "storage.tsdb.path": directory / "prometheus",
            "web.listen-address": f"127.0.0.1:{port}",
        }
        arguments = [f"--{name}={value}" for name, value in options.items()]
        super().__init__([find("prometheus"), *arguments], directory / "prometheus.log")

    def is_ready(self) -> bool:
        try:
            with urlopen(f"{self.url}/-/ready", timeout=ANSWER_SECONDS) as answer:  # noqa: S310
                return bool(answer.status == 200)
        except (URLError, OSError):
            return False

    def ask(self, path: str, **parameters: str) -> Any:
        """Return the data with which the API answers; raise HTTPError if it finds fault."""
        url = f"{self.url}/api/v1/{path}?{urlencode(parameters)}"
        with urlopen(url, timeout=ANSWER_SECONDS) as answer:  # noqa: S310
            return json.load(answer)["data"]
