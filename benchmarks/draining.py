"""A backlog worked off by one process and by two: the plain command, and Celery workers."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime

from benchmarks import store
from benchmarks.bench import Bench
from benchmarks.clock import Measurement, Samples, interleaved
from benchmarks.memory import Watch
from benchmarks.progress import Progress, progress
from benchmarks.table import Row, at_least, at_most, judged, rate
from benchmarks.waking import worker
from benchmarks.web import running
from tests.servers.program import Program

# As a service runs it. Without --watch one ends when the other has the rest in hand.
PROCESS = (sys.executable, "-m", "django", "billing_webhooks", "process", "--watch")
NUMBERS = (1, 2)
LOOK_EVERY_SECONDS = 0.1

FAST = at_least(3000, "events/s")
TWICE = at_least(1.7, "× one")
FLAT = at_most(1.1, "× a quarter's")


@dataclass
class Way:
    """A kind of process that drains, and what was held at a quarter of the work and in the end."""

    kind: str
    number: int
    quarter_mib: list[float] = field(default_factory=list)
    end_mib: list[float] = field(default_factory=list)

    def __str__(self) -> str:
        return f"drain, {self.number} × {self.kind}"

    def note(self, watch: Watch, done: Progress) -> None:
        self.quarter_mib.append(watch.peak_mib(done.quarter))
        self.end_mib.append(watch.peak_mib(done.last))


def rows(bench: Bench) -> Iterator[Row]:
    """Yield events per second, of two processes as a multiple of one, and memory."""
    store.fill(bench.posts[: bench.sizes.events])
    store.keep(bench)
    kinds = ["process", "Celery"] if bench.is_postgres and bench.broker else ["process"]
    ways = [Way(kind, number) for kind in kinds for number in NUMBERS]
    measurements = {str(way): _measurement(bench, way) for way in ways}
    sizes = bench.sizes
    measured = interleaved(measurements, sizes.drains, sizes.draining_seconds)
    for way in ways:
        yield _rate(bench, way, measured)
    for way in ways:
        yield _memory(way)


def _measurement(bench: Bench, way: Way) -> Measurement:
    def measure() -> float:
        store.restore(bench)
        began = datetime.now(UTC)
        with ExitStack() as stack:
            programs = _started(bench, way, stack)
            watch = stack.enter_context(Watch([each.process.pid for each in programs]))
            _wait(programs, bench.sizes.drain_seconds)
        done = progress(began)
        way.note(watch, done)
        return done.rate

    return measure


def _started(bench: Bench, way: Way, stack: ExitStack) -> Sequence[Program]:
    """Return the programs that drain, from now on."""
    if way.kind == "Celery":
        return [stack.enter_context(worker(bench.directory, way.number))]
    logs = [bench.directory / f"process-{number}.log" for number in range(way.number)]
    programs = [Program(PROCESS, log) for log in logs]
    for program in programs:
        stack.enter_context(running(program))
    return programs


def _wait(programs: Sequence[Program], seconds: float) -> None:
    """Return when nothing is left, or after so many seconds of work; raise if one has ended."""
    end: float | None = None
    while store.is_anything_left() and (end is None or time.monotonic() < end):
        if end is None and store.is_begun():
            end = time.monotonic() + seconds
        for program in programs:
            if program.process.poll() is not None:
                raise RuntimeError(f"Somebody who drains has ended:\n{program.text()}")
        time.sleep(LOOK_EVERY_SECONDS)


def _rate(bench: Bench, way: Way, measured: Mapping[str, Samples]) -> Row:
    samples = measured[str(way)]
    if way.number == 1:
        ratio, judgement = "", judged(FAST, samples.median)
    else:
        multiple = samples.median / measured[str(Way(way.kind, 1))].median
        ratio, judgement = f"{multiple:.2f} {TWICE.unit}", judged(TWICE, multiple)
    # SQLite has one writer at a time, however many wait for it.
    return rate(str(way), samples, "events", ratio, judgement if bench.is_postgres else {})


def _memory(way: Way) -> Row:
    quarter, end = Samples(way.quarter_mib), Samples(way.end_mib)
    growth = end.median / quarter.median
    return Row(
        f"{way}: peak memory",
        median=f"{end.median:.0f} MiB",
        spread=end.spread,
        ratio=f"{growth:.2f} {FLAT.unit}",
        **judged(FLAT, growth),
    )
