"""What a cluster says of its figures, and of a promise that was broken."""

from __future__ import annotations

from benchmarks.cluster import report
from benchmarks.cluster.figures import CORES, Figures, Taken


def figures(hosts: int, **parts: float) -> Figures:
    by_part = {"web": 0.0, "workers": 0.0, "PostgreSQL": 0.0, "PgBouncer": 0.0, "Valkey": 0.0}
    processes = {"web": hosts, "workers": hosts}
    taken = Taken(
        processes, seconds=10, by_part=by_part | {"client": 0.0} | parts, log_bytes=2_000_000
    )
    return Figures(hosts, 1000 * hosts, 10, taken, [0.01] * 99 + [0.5])


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.split("|")[1:-1]]


def test_accepting__tells_what_the_second_host_brings() -> None:
    names, _, one, two = report.accepting([figures(1, web=4), figures(2, web=8)])
    assert cells(one)[:6] == ["1", "100", "1.00", "10.0", "500.0", "4.00"]
    assert cells(two)[:3] == ["2", "200", "2.00"]
    assert "PgBouncer" not in names


def test_draining__names_a_pooler_that_there_was() -> None:
    names, *_ = report.draining([figures(1, PgBouncer=1)])
    assert "PgBouncer, ms each" in names


def test_needs__are_what_one_event_takes_times_the_rate() -> None:
    accepted, drained = figures(1, web=4, PostgreSQL=1), figures(1, workers=2, PostgreSQL=2)
    rows = {name: rest for name, *rest in map(cells, report.needs([accepted], [drained]))}
    assert rows["web hosts"] == ["4.00 ms", "0.4 cores", "4.0 cores", "40.0 cores"]
    assert rows["PostgreSQL"][0] == "3.00 ms"
    assert rows["PostgreSQL's log"] == ["4.0 KB", "0.4 MB/s", "4.0 MB/s", "40.0 MB/s"]


def test_full__is_who_has_a_core_for_each_process() -> None:
    assert figures(1, web=9).taken.full() == "web"
    assert figures(2, web=9, PostgreSQL=0.5).taken.full() == "nothing" or CORES == 1
    assert figures(CORES, PostgreSQL=9.0 * CORES).taken.full() == f"the {CORES} cores"


def test_disturbed__is_told_if_somebody_else_was_at_work() -> None:
    quiet, busy = figures(1, web=4), figures(1, web=4)
    busy.taken.others = 9
    assert not list(report.disturbed([quiet]))
    assert "0.9 cores" in "".join(report.disturbed([quiet, busy]))


def test_promises__tell_what_is_wrong() -> None:
    problems = {"nothing is lost": ["7 events are"], "nothing is late": []}
    said = list(report.churned({"events": "9"}, problems))
    assert [line.split()[0] for line in said] == ["events", "BROKEN", "7", "kept"]
