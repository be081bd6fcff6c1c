"""How long a sender waits at a steady rate: with a worker beside it, and with a silent broker."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice

from django.test import override_settings

from benchmarks import posts, store
from benchmarks.bench import Bench
from benchmarks.clock import Samples, interleaved, timed
from benchmarks.floor import insertion
from benchmarks.load import Answer, steadily
from benchmarks.table import Row, Target, at_most, duration, judged, timing
from benchmarks.waking import worker
from benchmarks.web import Web, running
from billing_webhooks import dispatch
from tests.celery_engine.brokers import Silent
from tests.celery_engine.waiting import wait_for

MILLISECOND = 0.001
PROMPT = at_most(50, "ms")
FIRST = at_most(600, "ms")
INSERT, WAKE = "raw INSERT", "wake a worker"
CHEAPER = at_most(1, "× raw INSERT")
# So many that each process gets one.
REFUSED = 10


def rows(bench: Bench) -> Iterator[Row]:
    """Yield the median and the last percent of the time until a delivery is acknowledged."""
    if not bench.broker:
        yield Row("accept at a steady rate", median="no Valkey is installed")
        return
    store.empty()
    yield _wake_up(bench)
    yield from _beside_a_worker(bench)
    store.empty()
    yield from _before_a_silent_broker(bench)


@override_settings(BILLING_WEBHOOKS_DISPATCH="celery")
def _wake_up(bench: Bench) -> Row:
    """Return what a wake-up costs a request, against an INSERT by the driver alone."""
    sizes = bench.sizes
    with insertion(bench) as insert:
        works = {INSERT: lambda: insert, WAKE: lambda: lambda: dispatch.wake("kinde:customer")}
        measurements = {what: timed(work, sizes.calls) for what, work in works.items()}
        measured = interleaved(measurements, sizes.turns, sizes.calls_seconds, warm_up=1)
    return timing(WAKE, measured[WAKE], basis=measured[INSERT], target=CHEAPER)


def _beside_a_worker(bench: Bench) -> Iterator[Row]:
    web = Web(bench.directory, 2, {"BENCH_DISPATCH": "celery"})
    with worker(bench.directory, 1), running(web):
        _warm_up(bench, web)
        wires = _wires(bench)
        # In this second each process loads what it needs to wake a worker, and collects the
        # garbage of its start.
        second = int(bench.sizes.rate)
        first = steadily(web.port, wires[:second], bench.sizes.rate)
        # Otherwise what was measured would be something else.
        wait_for(store.is_begun, web.text)
        answers = steadily(web.port, wires[second:], bench.sizes.rate)
    name = f"accept at {bench.sizes.rate:g}/s, a worker beside it"
    yield from _told(f"{name}, first second", first, target=None)
    yield from _told(name, answers)


def _before_a_silent_broker(bench: Bench) -> Iterator[Row]:
    with Silent() as silent:
        broker = f"redis://127.0.0.1:{silent.port}/0"
        # Each process has a first call of its own, so there is one.
        web = Web(bench.directory, 1, {"BENCH_DISPATCH": "celery", "CELERY_BROKER_URL": broker})
        with running(web):
            _warm_up(bench, web)
            first, *others = _wires(bench)
            (call,) = steadily(web.port, [first], bench.sizes.rate)
            # It is asked beside the answer; otherwise what was measured would be something else.
            wait_for(lambda: bool(silent.guests), web.text)
            answers = steadily(web.port, others, bench.sizes.rate)
    name = f"accept at {bench.sizes.rate:g}/s, the broker silent"
    yield _row(f"{name}: first call", call.seconds, FIRST)
    yield from _told(name, answers)


def _warm_up(bench: Bench, web: Web) -> None:
    """Let processes fetch keys and connect to the database, without waking anybody."""
    forged = next(posts.of(bench.posts, "kinde")).forged()
    steadily(web.port, [forged.wire()] * REFUSED, bench.sizes.rate, status=401)
    kept = replace(next(posts.of(bench.posts, "billabear")), text="[]")
    steadily(web.port, [kept.wire()] * REFUSED, bench.sizes.rate, status=400)


def _wires(bench: Bench) -> list[bytes]:
    number = int(bench.sizes.rate * (1 + bench.sizes.rate_seconds))
    return [post.wire() for post in islice(posts.of(bench.posts, "kinde"), number)]


def _told(name: str, answers: Sequence[Answer], target: Target | None = PROMPT) -> Iterator[Row]:
    samples = Samples([answer.seconds for answer in answers])
    yield _row(f"{name}: p50", samples.median)
    yield _row(f"{name}: p99", samples.quantile(0.99), target)


def _row(name: str, seconds: float, target: Target | None = None) -> Row:
    return Row(name, median=duration(seconds), **judged(target, seconds / MILLISECOND))
