"""Where the receiver is connected."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

from django.apps import AppConfig


class WatchedConfig(AppConfig):
    name = "tests.sweeping.watched"

    def ready(self) -> None:
        from billing_webhooks.signals import event_processed

        event_processed.connect(dawdle)


def dawdle(**_: Any) -> None:
    """Take SECONDS, and leave a line in FILE at the beginning and at the end."""
    note("began")
    time.sleep(float(os.environ["SECONDS"]))
    note("ended")


def note(line: str) -> None:
    with Path(os.environ["FILE"]).open("a") as file:
        file.write(f"{line}\n")
