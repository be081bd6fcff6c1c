"""
What somebody in the admin has asked for, worked part by part, by whoever has time.

The row is the queue. A part's effects and its progress commit together, so a job whose
process dies goes on where it was: the next sweep finds it.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from uuid import UUID

from django.db import Error, IntegrityError, connections, transaction
from django.db.models import F
from django.utils import timezone, translation

from billing_webhooks.database import (
    close_if_broken,
    is_transient,
    patiently,
    savepoint_if_in_transaction,
    write_alias,
)
from billing_webhooks.harmless import get_logger
from billing_webhooks.models import Job

logger = get_logger(__name__)

# A part that takes its worker down with it is not tried for ever.
MAX_ATTEMPTS = 5
# A result is one row, and no log.
MAX_LINES = 500
# The argument that every job has.
LANGUAGE = "language"


@dataclass
class Part:
    """
    What came of some of a job's rows.

    How many were done, how many refused by the reason, in words and by its code where it
    has one, and what there is to tell, line by line.
    """

    done: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    lines: list[str] = field(default_factory=list)
    codes: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class Action:
    """
    Something that is done for rows by their keys, with arguments that JSON can hold.

    `work` is called in a transaction, for `part` rows at a time.
    """

    work: Callable[[Sequence[str], Mapping[str, Any]], Part]
    part: int


_actions: dict[str, Action] = {}


def register(name: str, action: Action) -> None:
    """Let jobs be asked for by this name of an action."""
    _actions[name] = action


def ask(
    key: UUID,
    action: str,
    keys: Iterable[Any],
    arguments: Mapping[str, Any] | None = None,
    *,
    asked_by: Any = None,
) -> tuple[Job, bool]:
    """
    Return the job of this key, and whether it is new: asking twice is asking once.

    `asked_by` is a user, or None.
    """
    db = write_alias()
    texts = [str(each) for each in keys]
    job = Job(
        id=key,
        action=action,
        arguments={**(arguments or {}), LANGUAGE: translation.get_language()},
        keys=texts,
        total=len(texts),
        asked_by="" if asked_by is None else str(asked_by)[:255],
        asked_by_key="" if asked_by is None else str(asked_by.pk)[:255],
    )
    try:
        with savepoint_if_in_transaction(db):
            job.save(using=db, force_insert=True)
    except IntegrityError:
        return Job._base_manager.using(db).get(pk=key), False
    return job, True


def work(key: UUID, *, stop: Callable[[], bool] = lambda: False) -> Job:
    """Work a job to its end, unless another worker is at it, and return it as it then is."""
    db = write_alias()
    while not stop() and patiently(db, partial(_work_part, db, key)):
        pass
    return Job._base_manager.using(db).get(pk=key)


def work_open(*, stop: Callable[[], bool] = lambda: False) -> None:
    """Work the jobs that are under way, the oldest first; what fails is left for the next time."""
    db = write_alias()
    open_jobs = Job._base_manager.using(db).filter(state=Job.State.OPEN)
    for key in list(open_jobs.order_by("pk").values_list("pk", flat=True)):
        if stop():
            return
        try:
            work(key, stop=stop)
        except Exception as error:
            logger.error("Job %s stopped with %s.", key, type(error).__name__)
            close_if_broken(db)


def work_in_thread(key: UUID) -> threading.Thread:
    """Work a job in a thread of its own; what it leaves behind is for the sweep."""
    thread = threading.Thread(
        target=_work_in_thread, args=(key,), name=f"billing_webhooks job {key}", daemon=True
    )
    thread.start()
    return thread


def _work_in_thread(key: UUID) -> None:
    try:
        work(key)
    except Exception:
        logger.exception("Job %s stopped; the sweep goes on with it.", key)
    finally:
        connections.close_all()


def _work_part(db: str, key: UUID) -> bool:
    """Return whether a part was done, and there may be more."""
    if not _begin(db, key):
        return False
    try:
        with transaction.atomic(using=db):
            job = _locked(db, key)
            if job is None:
                return False
            _do(job)
            _save(db, job)
    except Exception as error:
        if is_transient(error):
            close_if_broken(db)
            _uncount(db, key)
            raise
        logger.exception("Job %s failed.", key)
        _fail(db, key, error)
        return False
    return job.state == Job.State.OPEN


def _begin(db: str, key: UUID) -> bool:
    """Count the attempt at the next part in a commit of its own; return whether there is one."""
    with transaction.atomic(using=db):
        job = _locked(db, key, "keys", "result")
        if job is None:
            return False
        job.attempts += 1
        if job.attempts > MAX_ATTEMPTS:
            _end(job, Job.State.FAILED, f"Given up after {MAX_ATTEMPTS} attempts.")
        _save(db, job)
        return job.state == Job.State.OPEN


def _uncount(db: str, key: UUID) -> None:
    """Take an attempt back that failed by no fault of its own, if the database lets us."""
    with suppress(Error):
        counted = Job._base_manager.using(db).filter(pk=key, attempts__gt=0)
        counted.update(attempts=F("attempts") - 1)


def _locked(db: str, key: UUID, *without: str) -> Job | None:
    """Return the job, locked for this transaction; None if it is over or somebody else's."""
    rows = Job._base_manager.using(db).filter(pk=key, state=Job.State.OPEN).defer(*without)
    if connections[db].features.has_select_for_update_skip_locked:
        return rows.select_for_update(skip_locked=True).first()
    # SQLite has no row locks: the first write takes the whole database.
    rows.update(done=F("done"))
    return rows.first()


def _do(job: Job) -> None:
    action = _actions[job.action]
    # What it tells is told in the language of who has asked, whoever works it.
    with translation.override(job.arguments.get(LANGUAGE)):
        part = action.work(job.keys[job.done : job.done + action.part], job.arguments)
    before = job.result or {"done": 0, "refused": {}, "lines": []}
    lines = [*before["lines"], *part.lines]
    job.result = {
        "done": before["done"] + part.done,
        "refused": dict(Counter(before["refused"]) + part.refused),
        "codes": dict(Counter(before.get("codes")) + part.codes),
        "lines": lines[:MAX_LINES],
        "is_cut": before.get("is_cut", False) or len(lines) > MAX_LINES,
    }
    job.done = min(job.done + action.part, job.total)
    job.attempts = 0
    if job.done == job.total:
        _end(job, Job.State.DONE)


def _end(job: Job, state: Job.State, error: str = "") -> None:
    job.state, job.last_error = state, error
    job.keys, job.finished_at = [], timezone.now()


def _save(db: str, job: Job) -> None:
    # The keys may be thousands, and they change once.
    fixed = {"id", "keys"} if job.state == Job.State.OPEN else {"id"}
    loaded = {field.name for field in job._meta.concrete_fields} - job.get_deferred_fields()
    job.save(using=db, update_fields=loaded - fixed)


def _fail(db: str, key: UUID, error: Exception) -> None:
    with transaction.atomic(using=db):
        if job := _locked(db, key):
            # Without the error's message: it may quote what was sent.
            _end(job, Job.State.FAILED, type(error).__name__)
            _save(db, job)
