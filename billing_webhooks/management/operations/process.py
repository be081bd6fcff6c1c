"""Work off the events that are due, once or for as long as nobody stops it."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from types import FrameType
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from billing_webhooks.management.options import count, seconds
from billing_webhooks.management.progress import Progress
from billing_webhooks.sweeping import sweep, watch

SIGNALS = (signal.SIGINT, signal.SIGTERM)
EVERY = timedelta(seconds=1)


def add_arguments(parser: CommandParser) -> None:
    how_long = parser.add_mutually_exclusive_group()
    how_long.add_argument(
        "--once", action="store_true", help="End when nothing is due any more (the default)."
    )
    how_long.add_argument(
        "--watch", action="store_true", help="Go on until SIGTERM or SIGINT; then end the event."
    )
    parser.add_argument(
        "--every",
        type=seconds,
        default=EVERY,
        metavar="SECONDS",
        help="With --watch: how long to wait when nothing is due (default 1).",
    )
    parser.add_argument("--limit", type=count, metavar="N", help="End after this many events.")


def run(command: BaseCommand, options: Mapping[str, Any]) -> None:
    with stopped_by_signals() as stop, Progress(command.stderr) as progress:

        def tell(worked: int) -> None:
            progress.show(f"Worked off {worked} events.")

        if options["watch"]:
            worked = watch(stop, every=options["every"], limit=options["limit"], tell=tell)
        else:
            worked = sweep(limit=options["limit"], stop=stop, tell=tell)
    command.stdout.write(f"Worked off {worked} events.")


@contextmanager
def stopped_by_signals() -> Iterator[Callable[[], bool]]:
    """
    Yield a function that says whether SIGINT or SIGTERM has come.

    The second one ends the process at once, as it would have without this.
    """
    received: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    before = {number: signal.getsignal(number) for number in SIGNALS}

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    # No lock in here, as an Event has one: what was interrupted may hold it.
    def ask_to_stop(number: int, frame: FrameType | None) -> None:
        received.append(number)
        restore()

    try:
        for number in SIGNALS:
            signal.signal(number, ask_to_stop)
        yield lambda: bool(received)
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)
    finally:
        restore()
