"""The table of what was measured."""

from __future__ import annotations

import pytest

from benchmarks.clock import Samples
from benchmarks.table import MISSED, REACHED, Row, Target, at_least, at_most, markdown, timing
from tests.once import on_one_database

on_one_database()


@pytest.mark.parametrize(
    ("target", "figure", "verdict"),
    [
        (at_most(1.6, "× floor"), 1.6, REACHED),
        (at_most(1.6, "× floor"), 1.61, MISSED),
        (at_least(3000, "events/s"), 3000, REACHED),
        (at_least(3000, "events/s"), 2999, MISSED),
    ],
)
def test_target__judges(target: Target, figure: float, verdict: str) -> None:
    assert target.verdict(figure) == verdict


def test_timing__is_a_multiple_of_its_basis() -> None:
    target = at_most(1.6, "× floor")
    row = timing("acknowledge", Samples([0.0009]), basis=Samples([0.0006]), target=target)

    assert (row.median, row.ratio) == ("900 µs", "1.50 × floor")
    assert (row.target, row.verdict) == ("≤ 1.6 × floor", REACHED)


def test_markdown__is_as_wide_as_its_longest_cells() -> None:
    head, rule, *body = markdown([Row("one", of="SQLite"), Row("another one")])

    assert {len(line) for line in (head, rule, *body)} == {len(head)}
    assert head.startswith("| what        | of     | median |")
    assert body[0].startswith("| one         | SQLite |        |")
