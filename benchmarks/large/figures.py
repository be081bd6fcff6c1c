"""What was measured at each size, and how it is shown beside the other sizes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from benchmarks.clock import Samples
from benchmarks.table import Target, at_most, duration

FLAT = at_most(1.5, "× small")
SHORT = at_most(0.5, "s")


@dataclass(frozen=True)
class Figure:
    """The samples of one thing on a database that holds so many events, in seconds."""

    database: str
    events: int
    what: str
    seconds: Sequence[float]


@dataclass(frozen=True)
class Size:
    """How many bytes a table takes on a database that holds so many events."""

    database: str
    events: int
    table: str
    rows: int
    parts: Mapping[str, int]

    def __str__(self) -> str:
        parts = ", ".join(f"{name} {size / self.rows:.0f}" for name, size in self.parts.items())
        total = sum(self.parts.values())
        return (
            f"{self.table}, {number(self.rows)} rows: {total / 1e6:.0f} MB, "
            f"{total / self.rows:.0f} bytes a row ({parts})"
        )


def number(value: int) -> str:
    return f"{value:,}".replace(",", " ")


def cells(figures: Sequence[Figure], targets: Mapping[str, Target]) -> Iterator[list[str]]:
    """Yield the head of the table and a line for each thing: its median at each size."""
    sizes = sorted({each.events for each in figures})
    large = [part for size in sizes[1:] for part in (number(size), "ratio")]
    yield ["what", "of", f"{number(sizes[0])} events", *large, "target", "verdict"]
    for (database, what), found in _by_thing(figures):
        medians = {size: _median(found, size) for size in {each.events for each in found}}
        small = medians[sizes[0]]
        shown = [
            text
            for size in sizes[1:]
            for text in (
                (duration(medians[size]), f"{medians[size] / small:.2f}")
                if size in medians
                else ("", "")
            )
        ]
        target = targets.get(what)
        yield [what, database, duration(small), *shown, *_judged(target, small, medians)]


def _median(figures: Sequence[Figure], events: int) -> float:
    """Return the median of all turns."""
    return Samples(
        [value for each in figures if each.events == events for value in each.seconds]
    ).median


def _by_thing(
    figures: Sequence[Figure],
) -> Iterator[tuple[tuple[str, str], list[Figure]]]:
    things = {(each.database, each.what): len(figures) for each in figures}
    order = {thing: place for place, thing in enumerate(things)}
    placed = sorted(figures, key=lambda each: order[each.database, each.what])
    for thing, found in groupby(placed, key=lambda each: (each.database, each.what)):
        yield thing, list(found)


def _judged(target: Target | None, small: float, medians: Mapping[int, float]) -> tuple[str, str]:
    if target is None:
        return "", ""
    worst = max(medians.values())
    return str(target), target.verdict(worst if target is SHORT else worst / small)
