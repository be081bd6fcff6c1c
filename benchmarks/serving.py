"""Acknowledging over HTTP, against a bare view of the same server."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from itertools import islice, repeat

from benchmarks import posts, store
from benchmarks.bench import Bench
from benchmarks.clock import Measurement, interleaved
from benchmarks.load import burst
from benchmarks.posts import Post
from benchmarks.table import Row, at_least, judged, rate
from benchmarks.web import Web, running

WORKERS = (1, 2)
BARE, NEW, FOREIGN = "bare view", "acknowledge, Kinde", "acknowledge, BillaBear"
KNOWN = "acknowledge, Kinde, duplicate"
FORGED, UNKNOWN = "refuse a wrong signature", "refuse a wrong secret"
STATUSES = {BARE: 200, NEW: 200, FOREIGN: 200, KNOWN: 200, FORGED: 401, UNKNOWN: 401}
SHARES = {True: 35, False: 50}


def rows(bench: Bench) -> Iterator[Row]:
    """Yield the requests per second of servers of one and two processes."""
    store.empty()
    with ExitStack() as stack:
        servers = {workers: Web(bench.directory, workers) for workers in WORKERS}
        for server in servers.values():
            stack.enter_context(running(server))
        sources = _sources(bench)
        bursts = {
            _name(kind, workers): _burst(server, status, sources[kind], bench.sizes.burst)
            for workers, server in servers.items()
            for kind, status in STATUSES.items()
        }
        sizes = bench.sizes
        measured = interleaved(bursts, sizes.bursts, sizes.bursts_seconds, warm_up=1)
    for workers in WORKERS:
        basis = measured[_name(BARE, workers)]
        for kind in STATUSES:
            samples = measured[_name(kind, workers)]
            share = 100 * samples.median / basis.median
            is_judged = kind in {NEW, FOREIGN}
            target = at_least(SHARES[bench.is_postgres], "% of bare") if is_judged else None
            ratio = f"{share:.0f} % of bare"
            yield rate(_name(kind, workers), samples, "requests", ratio, judged(target, share))


def _name(kind: str, workers: int) -> str:
    return f"gunicorn, {workers} sync: {kind}"


def _sources(bench: Bench) -> Mapping[str, Iterator[Post]]:
    """Return what is posted of each kind, without end; new events are others each time."""
    kinde, billabear = (posts.of(bench.posts, provider) for provider in ("kinde", "billabear"))
    known, stranger = next(kinde), next(billabear).of_a_stranger()
    return {
        BARE: repeat(replace(known, path="/bare")),
        NEW: kinde,
        FOREIGN: billabear,
        KNOWN: repeat(known),
        FORGED: repeat(known.forged()),
        UNKNOWN: repeat(stranger),
    }


def _burst(server: Web, status: int, source: Iterator[Post], number: int) -> Measurement:
    return lambda: burst(server.port, [post.wire() for post in islice(source, number)], status)
