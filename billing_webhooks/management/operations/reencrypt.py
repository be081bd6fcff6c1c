"""Write stored bodies anew, with the first of the configured encryption keys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from billing_webhooks.management.progress import Progress
from billing_webhooks.reencrypting import reencrypt


def add_arguments(parser: CommandParser) -> None:
    """Reencrypt takes no arguments."""


def run(command: BaseCommand, options: Mapping[str, Any]) -> None:
    with Progress(command.stderr) as progress:
        done = reencrypt(tell=lambda number: progress.show(f"Wrote {number} bodies anew."))
    command.stdout.write(f"Wrote {done.written} bodies anew.")
    if done.unreadable:
        raise CommandError(
            f"{done.unreadable} bodies are encrypted with a key that "
            f"BILLING_WEBHOOKS_ENCRYPTION_KEYS does not hold; they were left as they are."
        )
