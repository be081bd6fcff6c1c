"""One table of everything that was measured, as Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields

from benchmarks.clock import Samples

REACHED, MISSED = "reached", "missed"
NO_DATABASE = "-"


@dataclass(frozen=True)
class Row:
    """What one thing measured, as it is shown; `of` is the database it was measured on."""

    what: str
    of: str = ""
    median: str = ""
    spread: str = ""
    statements: str = ""
    ratio: str = ""
    target: str = ""
    verdict: str = ""


@dataclass(frozen=True)
class Target:
    """The most or the least that a figure may be."""

    limit: float
    unit: str
    is_least: bool = False

    def __str__(self) -> str:
        return f"{'≥' if self.is_least else '≤'} {self.limit:g} {self.unit}"

    def verdict(self, figure: float) -> str:
        is_reached = figure >= self.limit if self.is_least else figure <= self.limit
        return REACHED if is_reached else MISSED


def at_most(limit: float, unit: str) -> Target:
    return Target(limit, unit)


def at_least(limit: float, unit: str) -> Target:
    return Target(limit, unit, is_least=True)


def judged(target: Target | None, figure: float) -> dict[str, str]:
    """Return the columns that say what a figure must be, and whether it is."""
    if target is None:
        return {}
    return {"target": str(target), "verdict": target.verdict(figure)}


def duration(seconds: float) -> str:
    """Return a time in the unit in which it is easily read."""
    if seconds < 0.001:
        return f"{seconds * 1e6:.0f} µs"
    return f"{seconds * 1e3:.2f} ms" if seconds < 0.1 else f"{seconds:.2f} s"


def timing(
    what: str,
    samples: Samples,
    *,
    of: str = "",
    basis: Samples | None = None,
    unit: str = "",
    target: Target | None = None,
    statements: str = "",
) -> Row:
    """
    Return the row of something that takes time, as a multiple of a basis if there is one.

    `unit` says of what; it is the target's, where there is one.
    """
    multiple = samples.median / basis.median if basis else 0.0
    return Row(
        what,
        of=of,
        median=duration(samples.median),
        spread=samples.spread,
        statements=statements,
        ratio=f"{multiple:.2f} {target.unit if target else unit}" if basis else "",
        **judged(target, multiple),
    )


def rate(what: str, samples: Samples, unit: str, ratio: str, judgement: Mapping[str, str]) -> Row:
    """Return the row of something that is done so many times in a second, as it was judged."""
    return Row(
        what,
        median=f"{samples.median:.0f} {unit}/s",
        spread=samples.spread,
        ratio=ratio,
        **judgement,
    )


def markdown(rows: Sequence[Row]) -> Iterator[str]:
    """Yield the lines of the table."""
    names = [field.name for field in fields(Row)]
    return aligned([names, *([*asdict(row).values()] for row in rows)])


def aligned(cells: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield the lines of a table, the first its head, its columns as wide as they must be."""
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for number, line in enumerate(cells):
        padded = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        yield f"| {' | '.join(padded)} |"
        if number == 0:
            yield f"|{'|'.join('-' * (width + 2) for width in widths)}|"
