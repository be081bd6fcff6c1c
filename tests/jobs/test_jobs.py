"""What was asked for is done to its end, once, whoever dies on the way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError
from django.db.models import F

from billing_webhooks import database, jobs
from billing_webhooks.jobs import Action, Part
from billing_webhooks.models import Job
from billing_webhooks.sweeping import sweep
from tests.models import Tally

pytestmark = pytest.mark.django_db(transaction=True)

KEYS = [str(number) for number in range(25)]


class Killed(BaseException):
    """The end of a process, as far as a transaction can tell."""


@pytest.fixture(autouse=True)
def _actions() -> Iterator[None]:
    """An action that counts each key in the database, and some that go wrong."""
    known = dict(jobs._actions)
    jobs.register("count", Action(count, 10))
    yield
    jobs._actions.clear()
    jobs._actions.update(known)


def count(keys: Sequence[str], arguments: Mapping[str, Any]) -> Part:
    for key in keys:
        Tally.objects.update_or_create(
            name=key, defaults={"count": F("count") + 1}, create_defaults={"count": 1}
        )
    return Part(len(keys) - 1, Counter({"odd": 1}), [f"to {keys[-1]}"])


def asked(action: str = "count", keys: Sequence[str] = KEYS) -> UUID:
    return jobs.ask(uuid4(), action, keys)[0].pk


def tallies() -> dict[str, int]:
    return dict(Tally.objects.values_list("name", "count"))


def test_job__is_done_part_by_part() -> None:
    job = jobs.work(asked())

    assert tallies() == dict.fromkeys(KEYS, 1)
    assert (job.state, job.done, job.total, job.keys) == ("done", 25, 25, [])
    assert job.finished_at is not None
    assert job.result == {
        "codes": {},
        "done": 22,
        "refused": {"odd": 3},
        "lines": ["to 9", "to 19", "to 24"],
        "is_cut": False,
    }


def test_job__of_nothing() -> None:
    assert jobs.work(asked("replay", keys=[])).state == "done"


def test_job__once_done_is_not_done_again() -> None:
    key = asked()
    jobs.work(key)
    jobs.work(key)

    assert tallies() == dict.fromkeys(KEYS, 1)


def test_ask__twice_is_one_job() -> None:
    key, user = uuid4(), User.objects.create_user("ada")
    first, is_new = jobs.ask(key, "count", KEYS, asked_by=user)
    second, is_new_again = jobs.ask(key, "count", ["other"], asked_by=user)

    assert (is_new, is_new_again) == (True, False)
    assert first.pk == second.pk == key
    assert second.keys == KEYS
    assert (second.asked_by, second.asked_by_key) == ("ada", str(user.pk))


def test_work__stopped_and_gone_on_with_by_the_sweep() -> None:
    key = asked()
    answers = iter([False, True])
    stopped = jobs.work(key, stop=lambda: next(answers))

    assert (stopped.state, stopped.done) == ("open", 10)
    sweep()
    assert Job.objects.get(pk=key).state == "done"
    assert tallies() == dict.fromkeys(KEYS, 1)


def test_work__killed_in_the_middle_of_a_part() -> None:
    deaths = iter([False, True, False, False])

    def dies(keys: Sequence[str], arguments: Mapping[str, Any]) -> Part:
        part = count(keys, arguments)
        if next(deaths):
            raise Killed
        return part

    jobs.register("dies", Action(dies, 10))
    key = asked("dies")
    with pytest.raises(Killed):
        jobs.work(key)
    assert (Job.objects.get(pk=key).done, len(tallies())) == (10, 10)
    sweep()

    assert Job.objects.get(pk=key).state == "done"
    assert tallies() == dict.fromkeys(KEYS, 1)


def test_work__kills_every_worker() -> None:
    def dies(keys: Sequence[str], arguments: Mapping[str, Any]) -> Part:
        raise Killed

    jobs.register("dies", Action(dies, 10))
    key = asked("dies")
    for _ in range(jobs.MAX_ATTEMPTS):
        with pytest.raises(Killed):
            jobs.work(key)
    job = jobs.work(key)

    assert (job.state, job.last_error) == ("failed", "Given up after 5 attempts.")


def test_work__fault_of_the_action(caplog: pytest.LogCaptureFixture) -> None:
    def fails(keys: Sequence[str], arguments: Mapping[str, Any]) -> Part:
        count(keys, arguments)
        raise ValueError("what a customer is called")

    jobs.register("fails", Action(fails, 10))
    job = jobs.work(asked("fails"))

    assert (job.state, job.last_error, job.done) == ("failed", "ValueError", 0)
    assert tallies() == {}


def test_work__database_away_for_a_moment() -> None:
    outages = iter([True, True, False, False, False])

    def is_out(keys: Sequence[str], arguments: Mapping[str, Any]) -> Part:
        part = count(keys, arguments)
        if next(outages):
            raise OperationalError("the server closed the connection")
        return part

    jobs.register("is_out", Action(is_out, 10))

    assert jobs.work(asked("is_out")).state == "done"
    assert tallies() == dict.fromkeys(KEYS, 1)


def test_work__database_away_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    def is_out(keys: Sequence[str], arguments: Mapping[str, Any]) -> Part:
        raise OperationalError("the server closed the connection")

    monkeypatch.setattr(database, "LONGEST_PAUSE_SECONDS", 0.001)
    jobs.register("is_out", Action(is_out, 10))
    key = asked("is_out")
    for _ in range(jobs.MAX_ATTEMPTS + 1):
        sweep()

    # It is by no fault of the job's, which goes on when the database is back.
    job = Job.objects.get(pk=key)
    assert (job.state, job.attempts) == ("open", 0)


def test_work__many_workers_at_once() -> None:
    key = asked()
    threads = [jobs.work_in_thread(key) for _ in range(8)]
    for thread in threads:
        thread.join()
    jobs.work(key)

    assert tallies() == dict.fromkeys(KEYS, 1)
    assert Job.objects.get(pk=key).attempts <= 1


def test_lines__are_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "MAX_LINES", 2)
    result = jobs.work(asked()).result

    assert result["lines"] == ["to 9", "to 19"]
    assert result["is_cut"]


def test_sweep__looks_for_jobs_in_one_query(django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(1):
        jobs.work_open()
