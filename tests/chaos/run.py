"""One run: events are posted while all goes wrong, then calm returns, then the verdict."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from billing_webhooks.models import WebhookEvent
from tests.chaos.events import history
from tests.chaos.evidence import Evidence
from tests.chaos.figures import figures
from tests.chaos.havoc import Havoc
from tests.chaos.leaving import held
from tests.chaos.misfortunes import Misfortune
from tests.chaos.senders import Senders, deliveries, post
from tests.chaos.servers import DATABASES, Servers
from tests.chaos.stage import Stage, stage
from tests.chaos.verdict import CHECKS

LOOK_EVERY_SECONDS = 0.2
# Of the time of havoc, how much is for posting; the rest is for what is late.
POSTING_SHARE = 0.85
MOST_TIMES = 3


@dataclass(frozen=True)
class Conditions:
    """
    Under which a build is tried; `customers` are those of each provider, `sweep_seconds`
    lie between two sweeps of beat, and for `pause_seconds` a receiver waits.

    Where little goes wrong in time, because the machine has much else to do, it may take
    up to three times as long.
    """

    events: int
    customers: int
    seconds: float
    calm_seconds: float
    sweep_seconds: float
    pause_seconds: float
    misfortunes: Sequence[Misfortune]
    least_misfortunes: int
    longest_pause_seconds: float


@dataclass(frozen=True)
class Result:
    """What was found wrong, by the check that noticed, and what was counted."""

    problems: dict[str, list[str]]
    figures: dict[str, str]


def run(
    servers: Servers,
    directory: Path,
    package: Path,
    seed: int,
    conditions: Conditions,
    checks: Sequence[str],
) -> Result:
    """Return what these checks find after a run of the billing_webhooks in `package`."""
    rng = random.Random(seed)
    posts = deliveries(
        rng,
        history(rng, conditions.events, conditions.customers, servers.issuer, datetime.now(UTC)),
    )
    servers.renew()
    with stage(
        directory,
        servers.postgres,
        servers.valkey,
        package=package,
        issuer=servers.issuer.url,
        database=DATABASES[0],
        url=servers.url(DATABASES[0]),
        sweep_seconds=conditions.sweep_seconds,
        pause_seconds=conditions.pause_seconds,
    ) as running:
        with held():
            running.start()
        send = partial(post, running.web.port)
        senders = Senders(send, posts, conditions.seconds * POSTING_SHARE)
        havoc = Havoc(
            running,
            rng,
            conditions.misfortunes,
            conditions.longest_pause_seconds,
            directory / "havoc.log",
        )
        evidence = _play(running, havoc, senders, conditions)
    problems = {name: list(CHECKS[name](evidence)) for name in checks}
    return Result(problems, figures(evidence, havoc.counts))


def _play(running: Stage, havoc: Havoc, senders: Senders, conditions: Conditions) -> Evidence:
    began = time.monotonic()
    try:
        senders.start()
        try:
            havoc.start()
            _wait_for(havoc, conditions)
        finally:
            havoc.end()
        with held():
            running.calm()
        calm_began = time.monotonic()
        is_everything_posted = senders.are_done(conditions.calm_seconds)
        wait_until_nothing_is_pending(calm_began + conditions.calm_seconds)
    finally:
        senders.stop()
    return Evidence(
        senders.answers,
        havoc.disturbances,
        running.web.log,
        is_everything_posted,
        havoc_seconds=calm_began - began,
        calm_seconds=time.monotonic() - calm_began,
    )


def _wait_for(havoc: Havoc, conditions: Conditions) -> None:
    began = time.monotonic()
    havoc.join(conditions.seconds)
    while (
        havoc.is_alive()
        and havoc.counts.total() < conditions.least_misfortunes
        and time.monotonic() < began + MOST_TIMES * conditions.seconds
    ):
        havoc.join(LOOK_EVERY_SECONDS)


def wait_until_nothing_is_pending(deadline: float) -> None:
    """Return when it is so, or at a time of the monotonic clock."""
    pending = WebhookEvent.objects.filter(state=WebhookEvent.State.PENDING)
    while pending.exists() and time.monotonic() < deadline:
        time.sleep(LOOK_EVERY_SECONDS)
