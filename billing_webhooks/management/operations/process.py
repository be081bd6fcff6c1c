"""Work off the events that are due, once or for as long as nobody stops it."""

from __future__ import annotations

import signal
import threading
from argparse import ArgumentTypeError
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from types import FrameType
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

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
    parser.add_argument("--limit", type=int, help="End after this many events.")


def run(command: BaseCommand, options: Mapping[str, Any]) -> None:
    with stopped_by_signals() as stop, Progress(command.stderr) as progress:
        if options["watch"]:
            worked = 0

            def tell(so_far: int) -> None:
                nonlocal worked
                worked = so_far
                progress.show(f"Worked off {worked} events.")

            watch(stop, every=options["every"], limit=options["limit"], tell=tell)
        else:
            worked = sweep(limit=options["limit"], stop=stop.is_set)
    command.stdout.write(f"Worked off {worked} events.")


def seconds(text: str) -> timedelta:
    try:
        every = timedelta(seconds=float(text))
    except (ValueError, OverflowError):
        every = timedelta()
    if every <= timedelta():
        raise ArgumentTypeError("must be a number of seconds above 0")
    return every


@contextmanager
def stopped_by_signals() -> Iterator[threading.Event]:
    """Yield an event that the first SIGINT or SIGTERM sets; the second one ends the process."""
    stop = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return

    def ask_to_stop(number: int, frame: FrameType | None) -> None:
        stop.set()
        for each, handler in before.items():
            signal.signal(each, handler)

    before = {number: signal.signal(number, ask_to_stop) for number in SIGNALS}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
