"""Where the time goes: of an event that is accepted, of one worked alone, and of a backlog."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any

from benchmarks import store
from benchmarks.bench import Bench
from benchmarks.in_process import Endpoint
from benchmarks.posts import Post, of
from benchmarks.sampling import Sampler
from benchmarks.table import Row, duration
from billing_webhooks import processing, sweeping

COLLECTING = "garbage collected meanwhile"


class Watch:
    """How long something took in all, whose code ran, and how long garbage was collected."""

    def __init__(self) -> None:
        self.seconds = self.collecting = 0.0
        self.sampler = Sampler()

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Count what goes on meanwhile."""
        gc.callbacks.append(self._collect)
        began = time.perf_counter()
        try:
            with self.sampler.watching():
                yield
        finally:
            self.seconds += time.perf_counter() - began
            gc.callbacks.remove(self._collect)

    def _collect(self, phase: str, info: Any) -> None:
        now = time.perf_counter()
        self.collecting += -now if phase == "start" else now


def rows(bench: Bench) -> Iterator[Row]:
    """Yield the time of each work per event, and below it the shares of those whose code ran."""
    kinde = [*islice(of(bench.posts, "kinde"), bench.sizes.calls * bench.sizes.turns)]
    backlog = bench.posts[: bench.sizes.batches[-1]]
    works: dict[str, Callable[[Watch], int]] = {
        "accept, Kinde": lambda watch: _accepted(watch, kinde),
        "process one event, Kinde": lambda watch: _worked(watch, kinde[: bench.sizes.worked]),
        f"sweep a backlog of {len(backlog)}": lambda watch: _swept(watch, backlog),
    }
    for what, work in works.items():
        store.empty()
        watch = Watch()
        number = work(watch)
        yield Row(f"profile: {what}", median=duration(watch.seconds / number))
        total = watch.sampler.found.total()
        for group, found in watch.sampler.found.most_common():
            yield Row(f"profile: {what}: {group}", median=f"{found / total:.0%}")
        yield Row(
            f"profile: {what}: {COLLECTING}", median=f"{watch.collecting / watch.seconds:.0%}"
        )


def _accepted(watch: Watch, some: list[Post]) -> int:
    endpoint = Endpoint()
    calls = [endpoint.call(post) for post in some]
    with watch.watching():
        for call in calls:
            call()
    return len(some)


def _worked(watch: Watch, some: list[Post]) -> int:
    endpoint = Endpoint()
    for post in some:
        endpoint.expect(200, post)
        mailbox = store.next_mailbox()
        with watch.watching():
            processing.work(mailbox)
    return len(some)


def _swept(watch: Watch, some: Any) -> int:
    store.fill(some)
    with watch.watching():
        sweeping.sweep()
    return len(some)
