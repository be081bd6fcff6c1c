"""Working events off, one by one and as they lie in a backlog; none has a receiver."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import islice
from statistics import mean, median

from benchmarks import store
from benchmarks.bench import Bench
from benchmarks.clock import Measurement, interleaved
from benchmarks.in_process import Endpoint
from benchmarks.posts import Post, of
from benchmarks.statements import statements
from benchmarks.table import Row, at_most, judged, timing
from billing_webhooks import processing, sweeping

PROVIDERS = {"kinde": "Kinde", "billabear": "BillaBear"}
FEW = at_most(8, "statements")


def rows(bench: Bench) -> Iterator[Row]:
    """Yield the time of an event and the statements: of one alone, and of one in a batch."""
    sizes = bench.sizes
    singles = {
        f"process one event, {name}": [*islice(of(bench.posts, provider), sizes.worked)]
        for provider, name in PROVIDERS.items()
    }
    batches = {f"sweep a backlog of {number}": [*bench.posts[:number]] for number in sizes.batches}
    measurements = {
        **{what: _single(each) for what, each in singles.items()},
        **{what: _swept(each) for what, each in batches.items()},
    }
    measured = interleaved(measurements, sizes.working_rounds, sizes.working_seconds)
    basis = measured[next(iter(singles))]
    for what, each in singles.items():
        by_type = _one_by_one(each, partial(statements, bare=True))
        row = timing(what, measured[what], statements=_told(by_type))
        most = max(count for counts in by_type.values() for count in counts)
        yield replace(row, **judged(FEW, most))
    for what, each in batches.items():
        store.fill(each)
        total = statements(sweeping.sweep, bare=True)
        told = f"{total}, {total / len(each):.2f} per event"
        yield timing(what, measured[what], basis=basis, unit="× one Kinde", statements=told)


def _single(some: Sequence[Post]) -> Measurement:
    def measure() -> float:
        return mean(value for each in _one_by_one(some, _seconds).values() for value in each)

    return measure


def _swept(some: Sequence[Post]) -> Measurement:
    def measure() -> float:
        store.fill(some)
        began = time.perf_counter()
        sweeping.sweep()
        return (time.perf_counter() - began) / len(some)

    return measure


def _one_by_one(
    some: Sequence[Post], figure: Callable[[Callable[[], object]], float]
) -> Mapping[str, Sequence[float]]:
    """Return a figure of the work for each event, by its type; each is worked when it has come."""
    store.empty()
    endpoint = Endpoint()
    figures: dict[str, list[float]] = defaultdict(list)
    for post in some:
        endpoint.expect(200, post)
        mailbox = store.next_mailbox()
        figures[post.event_type].append(figure(lambda: processing.work(mailbox)))  # noqa: B023
    return figures


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _told(by_type: Mapping[str, Sequence[float]]) -> str:
    usual = median(count for counts in by_type.values() for count in counts)
    most = max(by_type, key=lambda event_type: max(by_type[event_type]))
    return f"median {usual:g}, most {max(by_type[most]):g} ({most})"
