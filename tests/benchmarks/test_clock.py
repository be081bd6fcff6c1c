"""Things are measured in turn."""

from __future__ import annotations

import pytest

from benchmarks.clock import Samples, interleaved, timed
from tests.once import on_one_database

on_one_database()


def measured(rounds: int, seconds: float, warm_up: int = 0) -> tuple[str, dict[str, Samples]]:
    """Return in which order two things were measured, and what came of it."""
    order: list[str] = []

    def measurement(name: str) -> float:
        order.append(name)
        return float(len(order))

    works = {name: lambda name=name: measurement(name) for name in "AB"}
    samples = interleaved(works, rounds, seconds, warm_up=warm_up)
    return "".join(order), samples


def test_interleaved__takes_turns() -> None:
    order, samples = measured(rounds=3, seconds=60)

    assert order == "ABABAB"
    assert samples["B"].values == [2, 4, 6]


def test_interleaved__forgets_what_warmed_up() -> None:
    order, samples = measured(rounds=1, seconds=60, warm_up=2)

    assert order == "ABABAB"
    assert samples["A"].values == [5]


def test_interleaved__ends_when_the_time_is_over_but_measures_once() -> None:
    order, samples = measured(rounds=1000, seconds=0)

    assert order == "AB"
    assert samples["A"].values == [1]


def test_timed__does_not_count_what_prepares() -> None:
    did: list[str] = []

    def prepare() -> object:
        did.append("prepared")
        return lambda: did.append("worked")

    assert timed(prepare)() >= 0  # type: ignore[arg-type]
    assert did == ["prepared", "worked"]


@pytest.mark.parametrize(
    ("values", "median", "spread"),
    [([3, 1, 2], 2, "± 50 %"), ([2, 2, 2, 2], 2, "± 0 %"), ([1, 3], 2, "")],
)
def test_samples__tell_the_middle_and_how_far_the_quartiles_are(
    values: list[float], median: float, spread: str
) -> None:
    samples = Samples(values)

    assert samples.median == median
    assert samples.spread == spread
