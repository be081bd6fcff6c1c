"""Acknowledging in process, against the floor; and refusing, which must cost less."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from django.db import connection
from django.db.backends.postgresql.base import ServerBindingCursor

from benchmarks import posts, store
from benchmarks.bench import Bench
from benchmarks.clock import Preparation, interleaved, timed
from benchmarks.floor import insertion, verification
from benchmarks.in_process import Endpoint
from benchmarks.posts import Post
from benchmarks.statements import statements
from benchmarks.table import Row, at_most, timing

FLOOR = "floor: bare view, raw verify, raw INSERT"
NEW = {"kinde": "acknowledge, Kinde", "billabear": "acknowledge, BillaBear"}
CHECKED = "acknowledge, Kinde, CONN_HEALTH_CHECKS"
PREPARED = "acknowledge, Kinde, server_side_binding, prepare_threshold"
# After so many times; psycopg's own default, which Django turns off.
PREPARE_AFTER = 5
DUPLICATE = "acknowledge, Kinde, duplicate"
UNSIGNED, UNKNOWN = "refuse a wrong signature", "refuse a wrong secret"
REFUSED = {UNSIGNED: "kinde", UNKNOWN: "billabear"}
BARE = Post("/bare", "", {}, "")
# SQLite's INSERT costs next to nothing, so PostgreSQL alone is held to it.
TARGET = at_most(1.6, "× floor")
CHEAPER = at_most(1, "× accepted")


def rows(bench: Bench) -> Iterator[Row]:
    """Yield the parts of the floor, the floor, what is acknowledged and what is refused."""
    store.empty()
    sizes = bench.sizes
    with insertion(bench) as insert:
        calls = _calls(bench)
        works = {**_floor(insert), **calls}
        measurements = {what: timed(work, sizes.calls) for what, work in works.items()}
        measured = interleaved(measurements, sizes.turns, sizes.calls_seconds, warm_up=1)
    for what, samples in measured.items():
        told = str(statements(calls[what]())) if what in calls else ""
        row = partial(timing, what, samples, statements=told)
        if what in REFUSED:
            accepted = measured[NEW[REFUSED[what]]]
            yield row(basis=accepted, target=CHEAPER)
        elif what in NEW.values() and bench.is_postgres:
            yield row(basis=measured[FLOOR], target=TARGET)
        else:
            yield row(basis=measured[FLOOR], unit=TARGET.unit)


def _floor(insert: Callable[[], object]) -> Mapping[str, Preparation]:
    """Return what prepares the floor and each of its parts."""
    bare, usual, verify = Endpoint([]), Endpoint(), verification()

    def everything() -> Callable[[], object]:
        answer = bare.call(BARE)
        return lambda: (verify(), insert(), answer())

    return {
        "bare view": lambda: bare.call(BARE),
        "bare view, default middleware": lambda: usual.call(BARE),
        "raw RSA verify": lambda: verify,
        "raw INSERT, committed": lambda: insert,
        FLOOR: everything,
    }


def _calls(bench: Bench) -> dict[str, Preparation]:
    """Return what prepares a delivery of each kind; with default middleware, on this database."""
    endpoint = Endpoint()
    kinde, billabear = (posts.of(bench.posts, provider) for provider in NEW)
    known, stranger = next(kinde), next(billabear).of_a_stranger()
    endpoint.expect(200, known)
    calls: dict[str, Preparation] = {
        NEW["kinde"]: lambda: endpoint.call(next(kinde)),
        NEW["billabear"]: lambda: endpoint.call(next(billabear)),
        DUPLICATE: lambda: endpoint.call(known),
        UNSIGNED: lambda: endpoint.call(known.forged()),
        UNKNOWN: lambda: endpoint.call(stranger),
    }
    if bench.is_postgres:
        calls[CHECKED] = lambda: _checked(endpoint.call(next(kinde)))
        calls[PREPARED] = lambda: _prepared(endpoint.call(next(kinde)))
    return calls


def _checked(answer: Callable[[], int]) -> Callable[[], None]:
    """Return the same answer with the setting CONN_HEALTH_CHECKS."""
    session: Any = connection

    def answered() -> None:
        session.health_check_enabled = True
        try:
            answer()
        finally:
            session.health_check_enabled = False

    return answered


def _prepared(answer: Callable[[], int]) -> Callable[[], None]:
    """Return the same answer with the options by which the driver prepares statements."""

    def answered() -> None:
        session: Any = connection.connection
        usual = session.cursor_factory
        session.cursor_factory, session.prepare_threshold = ServerBindingCursor, PREPARE_AFTER
        try:
            answer()
        finally:
            session.cursor_factory, session.prepare_threshold = usual, None

    return answered
