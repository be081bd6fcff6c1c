"""dj-stripe's endpoint, which receives and stores, beside ours, which has also processed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from importlib.util import find_spec
from itertools import islice

from benchmarks import posts, store
from benchmarks.bench import Bench
from benchmarks.clock import Measurement, interleaved
from benchmarks.in_process import Endpoint
from benchmarks.posts import Post
from benchmarks.statements import statements
from benchmarks.stripe import events as stripe_events
from benchmarks.table import Row, at_least, judged, timing
from billing_webhooks import processing, sweeping

THEIRS = "dj-stripe: receive and store"
ONE, MANY = "Kinde: receive and process one", "Kinde: receive and process 100"
TARGET = at_least(5, "× as fast")
# So many at once.
NUMBERS = {THEIRS: 20, ONE: 20, MANY: 100}

# Does it for so many events.
Work = Callable[[int], None]


def rows(bench: Bench) -> Iterator[Row]:
    """Yield the time of an event from its arrival on, with them and with us."""
    if not find_spec("djstripe"):
        yield Row(THEIRS, median="not installed")
        return
    store.empty()
    works = _works(bench)
    sizes = bench.sizes
    # The history must not come round: an event that is known is not worked again.
    most = sizes.events // 12
    measurements = {what: _mean(work, min(NUMBERS[what], most)) for what, work in works.items()}
    measured = interleaved(measurements, sizes.working_rounds, sizes.working_seconds, warm_up=1)
    for what, samples in measured.items():
        number = min(NUMBERS[what], most)
        told = f"{statements(partial(works[what], number)) / number:.2f} per event"
        row = timing(what, samples, statements=told)
        times = measured[THEIRS].median / samples.median
        if what != THEIRS:
            row = replace(row, ratio=f"{times:.1f} {TARGET.unit}", **judged(TARGET, times))
        yield row


def _works(bench: Bench) -> dict[str, Work]:
    """Return what receives and processes so many events, in each way."""
    endpoint = Endpoint()
    kinde, stripe = posts.of(bench.posts, "kinde"), stripe_events()

    def receive(some: Iterable[Post]) -> None:
        for post in some:
            endpoint.expect(200, post)

    def receive_and_process(some: Iterable[Post]) -> None:
        for post in some:
            endpoint.expect(200, post)
            processing.work(store.next_mailbox())

    def receive_and_sweep(some: Iterable[Post]) -> None:
        receive(some)
        sweeping.sweep()

    return {
        THEIRS: lambda number: receive(islice(stripe, number)),
        ONE: lambda number: receive_and_process(islice(kinde, number)),
        MANY: lambda number: receive_and_sweep(islice(kinde, number)),
    }


def _mean(work: Work, number: int) -> Measurement:
    """Return what measures the time that one of so many takes."""

    def measure() -> float:
        began = time.perf_counter()
        work(number)
        return (time.perf_counter() - began) / number

    return measure
