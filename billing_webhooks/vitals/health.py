"""How the inbox stands, as data."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from billing_webhooks.rhythm import Rhythm


@dataclass(frozen=True)
class Problem:
    """Something that somebody has to look at, in a sentence; `about` is a word for programs."""

    about: str
    text: str
    alias: str = ""


@dataclass(frozen=True)
class AliasHealth:
    """
    How one alias stands: the rhythm of its events, and when its keys were last fetched.

    `keys_fetched_at` is None where proof takes none, or none was fetched yet. `misconfigured`
    says why an alias cannot be used; "" if it can.
    """

    alias: str
    rhythm: Rhythm
    keys_fetched_at: datetime | None = None
    misconfigured: str = ""


@dataclass(frozen=True)
class Health:
    """
    How the inbox stands at a time. Times are aware; None where there is no such thing.

    With Celery alone: `last_work` is when a worker last took a task, `unheard_since` when the
    first event came since then, and `broker_answers` is None where it was not asked.
    `problems` are what somebody has to look at; empty is well.
    """

    at: datetime
    due: int
    oldest_due: datetime | None
    pending: int
    dead: int
    recently_dead: int
    quarantined: int
    last_sweep: datetime | None
    last_work: datetime | None = None
    unheard_since: datetime | None = None
    broker_answers: bool | None = None
    aliases: tuple[AliasHealth, ...] = ()
    problems: tuple[Problem, ...] = ()

    @property
    def is_well(self) -> bool:
        return not self.problems

    @property
    def oldest_due_for(self) -> timedelta | None:
        """For how long the oldest event that is due has been so."""
        return None if self.oldest_due is None else self.at - self.oldest_due

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON takes it: times in ISO 8601 and UTC, spans in seconds."""
        return {
            "at": _time(self.at),
            "is_well": self.is_well,
            "due": self.due,
            "oldest_due": _time(self.oldest_due),
            "oldest_due_seconds": _seconds(self.oldest_due_for),
            "pending": self.pending,
            "dead": self.dead,
            "recently_dead": self.recently_dead,
            "quarantined": self.quarantined,
            "last_sweep": _time(self.last_sweep),
            "last_work": _time(self.last_work),
            "unheard_since": _time(self.unheard_since),
            "broker_answers": self.broker_answers,
            "aliases": [_alias_as_json(each) for each in self.aliases],
            "problems": [_problem_as_json(each) for each in self.problems],
        }


def _alias_as_json(each: AliasHealth) -> dict[str, Any]:
    return {
        "alias": each.alias,
        "last_event": _time(each.rhythm.last_at),
        "usual_gap_seconds": _seconds(each.rhythm.usual_gap),
        "longest_gap_seconds": _seconds(each.rhythm.longest_gap),
        "keys_fetched_at": _time(each.keys_fetched_at),
    }


def _problem_as_json(problem: Problem) -> dict[str, str]:
    return {"about": problem.about, "alias": problem.alias, "text": problem.text}


def _time(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(UTC).isoformat()


def _seconds(span: timedelta | None) -> float | None:
    return None if span is None else span.total_seconds()
