"""
Run several web hosts and Celery workers on this machine, over one PostgreSQL and one Valkey.

    python -m benchmarks.cluster [--seconds N] [--rate N] [--web N] [--workers N]
                                 [--backlog N] [--seed N] [--pooler] [--brief]
                                 [--part NAME]…

First it is measured what one, two, … web hosts accept and what as many workers work off,
then hosts come and go while events arrive, and every promise is looked after. Exit status:
0 if all are kept, whatever the figures; 1 if one is broken; 4 if what it needs is not
installed. Linux only, where each web host has an address of its own: 127.0.0.2, and on.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, nullcontext
from datetime import UTC, datetime
from pathlib import Path

import psycopg

from benchmarks.cluster.hosts import Ground
from benchmarks.machine import machine
from tests.chaos import leaving
from tests.chaos.events import Event, history
from tests.chaos.senders import deliveries
from tests.chaos.servers import servers
from tests.servers.pgbouncer import pgbouncer
from tests.servers.processes import NoServer

KEPT, BROKEN, NO_SERVER = 0, 1, 4
SCALE_OUT, CHURN = "scale-out", "churn"
CUSTOMERS = 200
# The others are as many as they are; about one there are twice as many as about each.
HOT_SHARE = 0.01
# No web host of this machine accepts more, so none has nothing to do.
MOST_PER_SECOND = 1500


def main(arguments: Sequence[str]) -> int:
    """Return the exit status for this script."""
    options = _options(arguments)
    leaving.listen()
    directory = Path(tempfile.mkdtemp(prefix="cluster-")).resolve()
    status = BROKEN
    try:
        status = _run(directory, options)
    except NoServer as error:
        status = NO_SERVER
        print(f"Nothing was tried: {error}.", file=sys.stderr)
    finally:
        if status in {KEPT, NO_SERVER} or sys.exc_info()[0] is SystemExit:
            shutil.rmtree(directory, ignore_errors=True)
        else:
            print(f"Every log is in {directory}.", file=sys.stderr)
    return status


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cluster")
    parser.add_argument("--seconds", type=float, default=20, help="of hosts that come and go")
    parser.add_argument("--rate", type=float, default=60, help="of events, meanwhile")
    parser.add_argument("--web", type=int, default=2, help="the most web hosts to measure")
    parser.add_argument("--workers", type=int, default=2, help="the most workers to measure")
    parser.add_argument("--backlog", type=int, default=2000, help="events to be worked off")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--pooler", action="store_true", help="put a PgBouncer before PostgreSQL")
    parser.add_argument("--brief", action="store_true", help="let fewer hosts come and go")
    parser.add_argument("--part", action="append", choices=[SCALE_OUT, CHURN])
    return parser.parse_args(arguments)


def _run(directory: Path, options: argparse.Namespace) -> int:
    parts = options.part or [SCALE_OUT, CHURN]
    with ExitStack() as stack:
        started = stack.enter_context(servers(directory, is_durable=True))
        pooler = pgbouncer(directory, started.postgres) if options.pooler else nullcontext()
        ground = Ground(started, stack.enter_context(pooler))
        started.use()
        # Models can be imported from now on, when it is known where they are kept.
        print(*machine(started.postgres, started.valkey), sep="\n")
        if SCALE_OUT in parts:
            _scale_out(ground, directory, options)
        return KEPT if CHURN not in parts or _churn(ground, directory, options) else BROKEN


def _scale_out(ground: Ground, directory: Path, options: argparse.Namespace) -> None:
    from benchmarks.cluster import report
    from benchmarks.cluster.backlog import Backlog
    from benchmarks.cluster.measuring import accept, drain

    seconds = options.seconds / 3
    events = _events(ground, options.seed, int(seconds * MOST_PER_SECOND))
    accepted = [
        accept(ground, directory / f"web{number}", number, events, seconds)
        for number in _numbers(options.web)
    ]
    _print("Accepting", report.accepting(accepted))
    backlog = Backlog(options.backlog)
    drained = [
        drain(ground, directory / f"workers{number}", number, backlog)
        for number in _numbers(options.workers)
    ]
    _print("Draining a backlog", report.draining(drained))
    _print("What that needs", report.needs(accepted, drained))
    print(*report.disturbed([*accepted, *drained]), sep="\n")


def _churn(ground: Ground, directory: Path, options: argparse.Namespace) -> bool:
    """Return whether every promise was kept."""
    from benchmarks.cluster import report
    from benchmarks.cluster.churn import BRIEF_ROUND, FULL_ROUND, churn

    events = _events(ground, options.seed, int(options.seconds * options.rate))
    posts = deliveries(random.Random(options.seed), events)
    _forget_the_disk(ground)
    changes = BRIEF_ROUND if options.brief else FULL_ROUND
    found = churn(ground, directory / "churn", posts, options.seconds, changes)
    _print(f"Hosts come and go, seed {options.seed}", report.churned(found.figures, found.problems))
    return not any(found.problems.values())


def _forget_the_disk(ground: Ground) -> None:
    """Let no commit wait for the disk, of which nobody asks anything here: PostgreSQL stays up."""
    with psycopg.connect(ground.servers.postgres.url, autocommit=True) as connection:
        connection.execute("ALTER SYSTEM SET synchronous_commit = off")
        connection.execute("SELECT pg_reload_conf()")


def _events(ground: Ground, seed: int, number: int) -> list[Event]:
    rng, now = random.Random(seed), datetime.now(UTC)
    return history(rng, number, CUSTOMERS, ground.servers.issuer, now, hot_share=HOT_SHARE)


def _numbers(most: int) -> list[int]:
    """Return 1, 2, 4, … up to the most."""
    return [number for power in range(most) if (number := 2**power) <= most]


def _print(title: str, lines: Iterator[str]) -> None:
    print(f"\n{title}\n", *lines, sep="\n", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
