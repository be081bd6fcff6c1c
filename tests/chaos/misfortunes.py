"""The kinds of misfortune, and how often each happens."""

from __future__ import annotations

import os
import random
import signal
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeAlias

import psycopg

from tests.chaos.stage import Stage, is_alive, wait_for_database
from tests.servers.processes import children_of
from tests.servers.program import Program

Undo: TypeAlias = Callable[[], None] | None
SESSIONS = """
    SELECT pid FROM pg_stat_activity
    WHERE datname = %s AND pid <> pg_backend_pid() ORDER BY state = 'idle', random() LIMIT 1
"""


@dataclass(frozen=True)
class Misfortune:
    """
    Something that happens to a victim; `weight` is how often, in each round.

    `happen` returns what undoes it after `lasts_seconds`, or None if it passes by itself.
    `disturbs` says what those who post may miss while it happens.
    """

    name: str
    weight: int
    happen: Callable[[Stage, random.Random], Undo]
    victim: str = ""
    disturbs: str = ""
    lasts_seconds: tuple[float, float] = (0, 0)


def kill_web_process(stage: Stage, rng: random.Random) -> Undo:
    _signal_child(stage.web, rng, signal.SIGKILL)
    return None


def kill_web(stage: Stage, rng: random.Random) -> Undo:
    _restart(stage.web)
    return None


def kill_worker_process(stage: Stage, rng: random.Random) -> Undo:
    _signal_child(rng.choice(stage.workers), rng, signal.SIGKILL)
    return None


def kill_worker(stage: Stage, rng: random.Random) -> Undo:
    _restart(rng.choice(stage.workers))
    return None


def freeze_worker_process(stage: Stage, rng: random.Random) -> Undo:
    frozen = _signal_child(rng.choice(stage.workers), rng, signal.SIGSTOP)

    def thaw() -> None:
        with suppress(ProcessLookupError):
            os.kill(frozen, signal.SIGCONT)

    return thaw if frozen else None


def kill_beat(stage: Stage, rng: random.Random) -> Undo:
    _restart(stage.beat)
    return None


def kill_or_start_watcher(stage: Stage, rng: random.Random) -> Undo:
    was_alive = is_alive(stage.watcher)
    stage.watcher.kill()
    if not was_alive:
        stage.watcher.start()
    return None


def terminate_session(stage: Stage, rng: random.Random) -> Undo:
    with psycopg.connect(stage.postgres.url, autocommit=True) as connection:
        connection.execute(
            f"SELECT pg_terminate_backend(pid) FROM ({SESSIONS}) AS victim",  # noqa: S608
            [stage.database],
        )
    return None


def kill_session(stage: Stage, rng: random.Random) -> Undo:
    """PostgreSQL then ends all its sessions: what they share may be spoilt."""
    with psycopg.connect(stage.postgres.url, autocommit=True) as connection:
        session = connection.execute(SESSIONS, [stage.database]).fetchone()
    if session is not None:
        with suppress(ProcessLookupError):
            os.kill(session[0], signal.SIGKILL)
        wait_for_database(stage.postgres)
    return None


def restart_postgres(stage: Stage, rng: random.Random) -> Undo:
    stage.postgres.stop()
    return _start_postgres(stage)


def abort_postgres(stage: Stage, rng: random.Random) -> Undo:
    stage.postgres.abort()
    return _start_postgres(stage)


def kill_postgres(stage: Stage, rng: random.Random) -> Undo:
    stage.postgres.kill()
    return _start_postgres(stage)


def flush_broker(stage: Stage, rng: random.Random) -> Undo:
    stage.valkey.flush()
    return None


def kill_broker(stage: Stage, rng: random.Random) -> Undo:
    _restart(stage.valkey)
    stage.valkey.wait_until_ready()
    return None


def freeze_broker(stage: Stage, rng: random.Random) -> Undo:
    stage.valkey.freeze()
    return stage.valkey.thaw


def take_broker_away(stage: Stage, rng: random.Random) -> Undo:
    stage.valkey.stop()

    def bring_back() -> None:
        stage.valkey.start()
        stage.valkey.wait_until_ready()

    return bring_back


def _restart(program: Program) -> None:
    program.kill()
    program.start()


def _start_postgres(stage: Stage) -> Undo:
    stage.postgres.start()
    stage.postgres.wait_until_ready()
    return None


def _signal_child(program: Program, rng: random.Random, number: signal.Signals) -> int:
    """Return the process that was sent the signal, 0 if the program has none just now."""
    children = children_of(program.process.pid)
    if not children:
        return 0
    victim = rng.choice(children)
    with suppress(ProcessLookupError):
        os.kill(victim, number)
    return victim


# After these nothing has to be started anew that takes long to start.
BRIEF = (
    Misfortune("SIGKILL of a web process", 6, kill_web_process, disturbs="web"),
    Misfortune("SIGKILL of a worker process", 10, kill_worker_process),
    Misfortune("freezing of a worker process", 3, freeze_worker_process, lasts_seconds=(0.8, 2)),
    Misfortune("end of a database session", 8, terminate_session, disturbs="database"),
    Misfortune("flush of the broker", 3, flush_broker, "broker"),
)
MISFORTUNES = (
    *BRIEF,
    Misfortune("SIGKILL of all web processes", 2, kill_web, disturbs="web"),
    Misfortune("SIGKILL of a whole worker", 3, kill_worker),
    Misfortune("SIGKILL of beat", 1, kill_beat),
    Misfortune("start or SIGKILL of `process --watch`", 3, kill_or_start_watcher),
    Misfortune("SIGKILL of a database session", 2, kill_session, disturbs="database"),
    Misfortune("restart of PostgreSQL", 1, restart_postgres, disturbs="database"),
    Misfortune("immediate shutdown of PostgreSQL", 1, abort_postgres, disturbs="database"),
    Misfortune("SIGKILL of PostgreSQL", 1, kill_postgres, disturbs="database"),
    Misfortune("SIGKILL of the broker", 2, kill_broker, "broker"),
    Misfortune("freezing of the broker", 1, freeze_broker, "broker", lasts_seconds=(1, 3)),
    Misfortune("absence of the broker", 1, take_broker_away, "broker", lasts_seconds=(2, 5)),
)
