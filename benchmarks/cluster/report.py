"""The figures and promises of a cluster, as they are printed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from benchmarks.cluster.figures import Figures
from tests.chaos.figures import table

ACCEPTING = ("web", "PostgreSQL", "PgBouncer", "Valkey", "client")
# Of a core; a desktop takes as much for itself.
NEGLIGIBLE = 0.2
RATES = (100, 1000, 10000)
DRAINING = ("workers", "PostgreSQL", "PgBouncer", "Valkey")


def accepting(found: Sequence[Figures]) -> Iterator[str]:
    """Yield the table of web hosts that are sent all that they can take."""
    parts = _parts(found, ACCEPTING)
    names = ["web hosts", "accepted/s", "of one", "p50 ms", "p99 ms", *_taken_names(parts)]
    rows = [
        [
            *_rate(each, found[0]),
            f"{each.answered_ms(0.5):.1f}",
            f"{each.answered_ms(0.99):.1f}",
            *_taken(each, parts),
        ]
        for each in found
    ]
    yield from markdown([names, *rows])


def draining(found: Sequence[Figures]) -> Iterator[str]:
    """Yield the table of workers at a backlog."""
    parts = _parts(found, DRAINING)
    names = ["workers", "drained/s", "of one", *_taken_names(parts)]
    yield from markdown(
        [names, *([*_rate(each, found[0]), *_taken(each, parts)] for each in found)]
    )


def disturbed(found: Sequence[Figures]) -> Iterator[str]:
    """Yield a warning if something else was at work on the machine meanwhile."""
    most = max(each.taken.others / each.taken.seconds for each in found)
    if most > NEGLIGIBLE:
        yield f"Up to {most:.1f} cores were taken by others meanwhile: compare no rates."


def needs(accepted: Sequence[Figures], drained: Sequence[Figures]) -> Iterator[str]:
    """Yield the table of what so many events in a second need, from what one has taken."""
    milliseconds = {
        "web hosts": _per_event(accepted, "web"),
        "workers": _per_event(drained, "workers"),
        **{
            part: _per_event(accepted, part) + _per_event(drained, part)
            for part in ("PostgreSQL", "Valkey")
        },
    }
    rows = [
        [part, f"{each:.2f} ms", *(f"{rate * each / 1000:.1f} cores" for rate in RATES)]
        for part, each in milliseconds.items()
    ]
    log = _log_of(accepted) + _log_of(drained)
    written = [f"{rate * log / 1000:.1f} MB/s" for rate in RATES]
    names = ["", "for one event", *(f"at {rate:,}/s" for rate in RATES)]
    yield from markdown([names, *rows, ["PostgreSQL's log", f"{log:.1f} KB", *written]])


def _per_event(found: Sequence[Figures], part: str) -> float:
    """Return the milliseconds of the processor that a part has taken for one event."""
    return 1000 * sum(each.taken.by_part[part] for each in found) / _events(found)


def _log_of(found: Sequence[Figures]) -> float:
    """Return the kilobytes that PostgreSQL has written to its log for one event."""
    return sum(each.taken.log_bytes for each in found) / _events(found) / 1000


def _events(found: Sequence[Figures]) -> int:
    return sum(each.events for each in found)


def churned(counted: Mapping[str, str], problems: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """Yield what was counted, and of each promise whether it was kept."""
    yield from table(counted)
    for promise, broken in problems.items():
        yield f"  {'BROKEN' if broken else 'kept  '}  {promise}"
        for problem in broken:
            yield f"            {problem}"


def _parts(found: Sequence[Figures], parts: Sequence[str]) -> list[str]:
    """Return those parts that there were: a pooler need not be."""
    return [part for part in parts if any(each.taken.by_part[part] for each in found)]


def markdown(lines: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield a table, the first of whose lines are the names of its columns."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for number, line in enumerate(lines):
        padded = (cell.rjust(width) for cell, width in zip(line, widths, strict=True))
        yield f"| {' | '.join(padded)} |"
        if number == 0:
            yield f"|{'|'.join('-' * (width + 1) + ':' for width in widths)}|"


def _rate(figures: Figures, one: Figures) -> list[str]:
    return [str(figures.hosts), f"{figures.rate:.0f}", f"{figures.rate / one.rate:.2f}"]


def _taken_names(parts: Sequence[str]) -> list[str]:
    return [*(f"{part}, ms each" for part in parts), "cores busy", "of others", "full"]


def _taken(figures: Figures, parts: Sequence[str]) -> list[str]:
    taken = figures.taken
    return [
        *(f"{_per_event([figures], part):.2f}" for part in parts),
        f"{taken.cores_busy:.1f}",
        f"{taken.others / taken.seconds:.1f}",
        taken.full(),
    ]
