"""How much several hosts do, and what of the processor each part takes for it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from django.db import connection
from django.db.models import Count, Max

from benchmarks.cluster.backlog import Backlog
from benchmarks.cluster.figures import Figures, Taken
from benchmarks.cluster.hosts import Ground, Hosts, hosts
from benchmarks.cluster.processor import busy_seconds, own_seconds, seconds_of
from billing_webhooks.models import WebhookEvent
from tests.chaos.events import Event
from tests.chaos.run import wait_until_nothing_is_pending
from tests.chaos.senders import ANSWER_SECONDS, Senders

LONGEST_DRAIN_SECONDS = 100


@contextmanager
def taking(ground: Ground, hosts: Hosts) -> Iterator[Taken]:
    """Yield what all parts take until the end; no host may leave before."""
    taken = Taken({"web": len(hosts.webs), "workers": len(hosts.workers), "client": 1})
    before, busy, log = _parts(ground, hosts), busy_seconds(), _log_position()
    yield taken
    taken.seconds = time.monotonic() - taken.began
    taken.by_part = {part: now - before[part] for part, now in _parts(ground, hosts).items()}
    taken.log_bytes = _log_position() - log
    taken.others = max(0.0, busy_seconds() - busy - sum(taken.by_part.values()))


def _log_position() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint")
        return int(cursor.fetchone()[0])


def _parts(ground: Ground, hosts: Hosts) -> dict[str, float]:
    servers, pooler = ground.servers, ground.pooler
    assert servers.postgres.process is not None
    return {
        "web": sum(seconds_of(web.process.pid) for web in hosts.webs),
        "workers": sum(seconds_of(worker.process.pid) for worker in hosts.workers),
        "PostgreSQL": seconds_of(servers.postgres.process.pid),
        "PgBouncer": seconds_of(pooler.process.pid) if pooler else 0,
        "Valkey": seconds_of(servers.valkey.process.pid),
        "client": own_seconds(),
    }


def accept(
    ground: Ground, directory: Path, webs: int, events: Sequence[Event], seconds: float
) -> Figures:
    """
    Return how many events so many web hosts accept in so many seconds, if nobody waits.

    Workers are woken, but there are none.
    """
    with hosts(directory, ground, are_receivers=False) as there:
        there.add(webs=webs)
        senders = Senders(there.balancer.send, events, seconds=0)
        with taking(ground, there) as taken:
            senders.start()
            senders.are_done(seconds)
        senders.stop()
        senders.are_done(ANSWER_SECONDS)
    end = taken.began + taken.seconds
    answered = [each for each in senders.answers if each.status == 200 and each.ended <= end]
    waits = [answer.ended - answer.began for answer in answered]
    return Figures(webs, len(answered), taken.seconds, taken, waits)


def drain(ground: Ground, directory: Path, workers: int, backlog: Backlog) -> Figures:
    """Return how fast so many workers work off a backlog that is there at once."""
    with hosts(directory, ground, are_receivers=False) as there:
        there.add(workers=workers)
        there.start_beat()
        backlog.store()
        with taking(ground, there) as taken:
            began = datetime.now(UTC)
            backlog.wake(workers)
            wait_until_nothing_is_pending(time.monotonic() + LONGEST_DRAIN_SECONDS)
    ends = WebhookEvent.objects.filter(processed_at__gte=began).aggregate(
        last=Max("processed_at"), number=Count("pk")
    )
    seconds = (ends["last"] - began).total_seconds() if ends["last"] else taken.seconds
    return Figures(workers, ends["number"], seconds, taken)
