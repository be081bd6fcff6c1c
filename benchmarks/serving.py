"""Acknowledging over HTTP, against a bare view of the same server."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from itertools import islice

from benchmarks import posts, store
from benchmarks.bench import Bench
from benchmarks.clock import Measurement, interleaved
from benchmarks.load import burst
from benchmarks.posts import Post
from benchmarks.table import Row, at_least, judged, rate
from benchmarks.web import Web, running

WORKERS = (1, 2)
KINDS = ("bare view", "acknowledge, Kinde", "acknowledge, BillaBear", "acknowledge, duplicate")
BARE, NEW, FOREIGN, KNOWN = KINDS
SHARES = {True: 35, False: 50}


def rows(bench: Bench) -> Iterator[Row]:
    """Yield the requests per second of servers of one and two processes."""
    store.empty()
    with ExitStack() as stack:
        servers = {workers: Web(bench.directory, workers) for workers in WORKERS}
        for server in servers.values():
            stack.enter_context(running(server))
        wires = _wires(bench)
        bursts = {
            _name(kind, workers): _burst(server.port, partial(wires[kind], bench.sizes.burst))
            for workers, server in servers.items()
            for kind in KINDS
        }
        sizes = bench.sizes
        measured = interleaved(bursts, sizes.bursts, sizes.bursts_seconds, warm_up=1)
    for workers in WORKERS:
        basis = measured[_name(BARE, workers)]
        for kind in KINDS:
            samples = measured[_name(kind, workers)]
            share = 100 * samples.median / basis.median
            is_judged = kind in {NEW, FOREIGN}
            target = at_least(SHARES[bench.is_postgres], "% of bare") if is_judged else None
            ratio = f"{share:.0f} % of bare"
            name = _name(kind, workers)
            yield rate(name, samples, "", ratio=ratio, judgement=judged(target, share))


def _name(kind: str, workers: int) -> str:
    return f"gunicorn, {workers} sync: {kind}"


def _wires(bench: Bench) -> Mapping[str, Callable[[int], list[bytes]]]:
    """Return what takes so many requests of each kind, new events being others each time."""
    kinde, billabear = (posts.of(bench.posts, provider) for provider in ("kinde", "billabear"))
    known = next(kinde)
    bare = replace(known, path="/bare").wire()

    def of(source: Iterator[Post]) -> Callable[[int], list[bytes]]:
        return lambda number: [post.wire() for post in islice(source, number)]

    return {
        BARE: lambda number: [bare] * number,
        NEW: of(kinde),
        FOREIGN: of(billabear),
        KNOWN: lambda number: [known.wire()] * number,
    }


def _burst(port: int, take: Callable[[], list[bytes]]) -> Measurement:
    return lambda: burst(port, take())
