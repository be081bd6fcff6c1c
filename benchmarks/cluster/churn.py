"""Hosts come and go while events arrive, and afterwards every promise is looked after."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.clock import Samples
from benchmarks.cluster.hosts import Ground, Hosts, hosts
from tests.chaos.events import Event
from tests.chaos.evidence import Evidence
from tests.chaos.figures import figures
from tests.chaos.havoc import Disturbance
from tests.chaos.run import wait_until_nothing_is_pending
from tests.chaos.senders import Senders
from tests.chaos.verdict import CHECKS

CALM_SECONDS = 180


@dataclass(frozen=True)
class Change:
    """What becomes of a host; `is_felt` says whether a post may lose its answer by it."""

    name: str
    make: Callable[[Hosts], None]
    is_felt: bool = False


COME = Change("a web host and a worker come", Hosts.add_both)
WEB_LEAVES = Change("a web host leaves, by SIGTERM", Hosts.remove_web)
WEB_DIES = Change("a web host dies, by SIGKILL", Hosts.kill_web, is_felt=True)
WORKER_LEAVES = Change("a worker leaves, by SIGTERM", Hosts.remove_worker)
WORKER_DIES = Change("a worker dies, by SIGKILL", Hosts.kill_worker)
BEAT_DIES = Change("beat dies, by SIGKILL", Hosts.kill_beat)
BEAT_COMES = Change("beat comes", Hosts.start_beat)
WATCHER_COMES = Change("`process --watch` comes", Hosts.start_watcher)
WATCHER_LEAVES = Change("`process --watch` leaves, by SIGTERM", Hosts.remove_watcher)

# Each begins and ends with a web host, a worker and beat.
FULL_ROUND = (
    COME,
    WATCHER_COMES,
    WORKER_DIES,
    WEB_DIES,
    COME,
    BEAT_DIES,
    WEB_LEAVES,
    WORKER_LEAVES,
    BEAT_COMES,
    WATCHER_LEAVES,
)
BRIEF_ROUND = (WATCHER_COMES, COME, WORKER_DIES, WEB_LEAVES, WATCHER_LEAVES)


@dataclass(frozen=True)
class Churned:
    """What was found wrong, by promise, and what was counted."""

    problems: dict[str, list[str]]
    figures: dict[str, str]


def churn(
    ground: Ground,
    directory: Path,
    posts: Sequence[Event],
    seconds: float,
    changes: Sequence[Change],
) -> Churned:
    """Return what is found after hosts came and went, round after round, during these posts."""
    with hosts(directory, ground, are_receivers=True) as there:
        there.add_both()
        there.start_beat()
        senders = Senders(there.balancer.send, posts, seconds)
        began = time.monotonic()
        made, disturbances = _change(there, senders, changes, began + seconds)
        changed = time.monotonic()
        is_everything_posted = senders.are_done(CALM_SECONDS)
        wait_until_nothing_is_pending(changed + CALM_SECONDS)
        evidence = Evidence(
            senders.answers,
            disturbances,
            there.webs[0].log,
            is_everything_posted,
            havoc_seconds=changed - began,
            calm_seconds=time.monotonic() - changed,
        )
    problems = {name: list(check(evidence)) for name, check in CHECKS.items()}
    problems["whoever is told to leave does so"] = there.stubborn
    return Churned(problems, _figures(evidence, there, made))


def _change(
    there: Hosts, senders: Senders, changes: Sequence[Change], until: float
) -> tuple[list[Change], list[Disturbance]]:
    """Make the changes, again and again while events are posted; return them, and what was felt."""
    made: list[Change] = []
    felt: list[Disturbance] = []
    senders.start()
    try:
        while not made or time.monotonic() < until:
            for change in changes:
                began = time.monotonic()
                change.make(there)
                made.append(change)
                if change.is_felt:
                    felt.append(Disturbance("web", began, time.monotonic()))
    except BaseException:
        senders.stop()
        raise
    return made, felt


def _figures(evidence: Evidence, there: Hosts, changes: Sequence[Change]) -> dict[str, str]:
    found = figures(evidence, Counter(change.name for change in changes))
    waits = Samples([a.ended - a.began for a in evidence.answers if a.status == 200])
    del found["answered 200 after, median and longest"]
    return {
        **found,
        "answered 200 after, p50 and p99": f"{_ms(waits, 0.5)}, {_ms(waits, 0.99)}",
        "posts that were passed on by hosts that refused": str(there.balancer.passed_over),
    }


def _ms(waits: Samples, share: float) -> str:
    return f"{1000 * waits.quantile(share):.1f} ms"
