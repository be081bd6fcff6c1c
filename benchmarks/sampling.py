"""Where time goes: looked at again and again while work goes on."""

from __future__ import annotations

import random
import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

EVERY_SECONDS = 0.001
# None at all would stop the timer.
SHORTEST_SECONDS = 0.00001

DATABASE = "the database, its driver, and waiting for it"
ROWS = "rows loaded and written"
FOLDING = "facts folded into rows"
READING = "proof and reading"
PACKAGE = "the rest of the package"
ORM = "Django's ORM"
DJANGO = "the rest of Django"
OTHERS = "others"

# By a part of the path, the first that fits.
GROUPS = {
    "/psycopg": DATABASE,
    "/django/db/backends/": DATABASE,
    "/billing_webhooks/bulk": ROWS,
    "/billing_webhooks/projection/loading": ROWS,
    "/billing_webhooks/projection/writing": ROWS,
    "/billing_webhooks/projection/columns": ROWS,
    "/billing_webhooks/projection/": FOLDING,
    "/billing_webhooks/facts": FOLDING,
    "/billing_webhooks/providers/": READING,
    "/billing_webhooks/reading": READING,
    "/billing_webhooks/": PACKAGE,
    "/django/db/": ORM,
    "/django/": DJANGO,
}


class Sampler:
    """
    Counts in whose code the main thread is found, by a timer's signal.

    Another thread would find it mostly where it lets others in, which is where it waits.
    """

    def __init__(self) -> None:
        self.found: Counter[str] = Counter()

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Look while this goes on."""
        usual = signal.signal(signal.SIGALRM, self._look)
        # A random first moment: begun with the work, it would see each beginning.
        first = random.uniform(SHORTEST_SECONDS, EVERY_SECONDS)
        signal.setitimer(signal.ITIMER_REAL, first, EVERY_SECONDS)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, usual)

    def _look(self, number: int, frame: FrameType | None) -> None:
        self.found[group_of(frame)] += 1


def group_of(frame: FrameType | None) -> str:
    """Return whose code runs: the innermost that is in a group."""
    while frame is not None:
        path = frame.f_code.co_filename
        for part, group in GROUPS.items():
            if part in path:
                return group
        frame = frame.f_back
    return OTHERS
