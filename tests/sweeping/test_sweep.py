"""A sweep finds what is due, page by page, whoever else is at work and whatever fails."""

from __future__ import annotations

import gc
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from billing_webhooks import batching, processing, sweeping
from billing_webhooks.batching.applying import apply_all
from billing_webhooks.batching.heads import Batched, Head
from billing_webhooks.models import Heartbeat, WebhookEvent
from billing_webhooks.signals import event_processed
from billing_webhooks.sweeping import sweep, watch
from tests.conftest import Connect, PostKinde, at
from tests.models import Tally
from tests.test_concurrency import at_once

pytestmark = pytest.mark.django_db(transaction=True)

Backlog = Callable[[int, int], None]


@pytest.fixture
def backlog(settings: Any, post_kinde: PostKinde) -> Backlog:
    """Let a number of events of some customers wait."""

    def backlog(events: int, customers: int) -> None:
        settings.BILLING_WEBHOOKS_DISPATCH = "deferred"
        for number in range(events):
            who = {"customer_id": f"customer_{number % customers}"}
            post_kinde("customer.plan_assigned", who, occurred_at=at(f"10:{number:02d}"))
        # An answer of the database may be of a moment before that of the event.
        WebhookEvent.objects.update(next_attempt_at=at("00:00"))

    return backlog


def worked() -> Counter[str]:
    """Return how many events of each customer are worked off."""
    done = WebhookEvent.objects.filter(state="processed").values_list("mailbox", flat=True)
    return Counter(mailbox.rpartition("_")[2] for mailbox in done)


def test_pages__all_are_worked(backlog: Backlog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweeping, "EVENTS_PER_QUERY", 3)
    backlog(20, 8)
    assert sweep() == 20
    assert sum(worked().values()) == 20


def test_pages__of_events_of_one_moment_and_of_many(
    backlog: Backlog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweeping, "EVENTS_PER_QUERY", 2)
    backlog(9, 9)
    some = WebhookEvent.objects.order_by("pk")[4:]
    for minute, event in enumerate(some, start=1):
        WebhookEvent.objects.filter(pk=event.pk).update(next_attempt_at=at(f"00:0{minute}"))
    assert sweep() == 9


def test_large_mailbox__the_others_have_their_turn(
    backlog: Backlog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweeping, "EVENTS_PER_QUERY", 3)
    monkeypatch.setattr(sweeping, "EVENTS_TOGETHER", 2)
    backlog(12, 1)
    backlog(3, 3)
    seen: list[Counter[str]] = []
    assert sweep(tell=lambda _: seen.append(worked())) == 15

    others_done = [found for found in seen if found["1"] and found["2"]]
    assert others_done[0]["0"] < 13


def test_large_mailbox__is_worked_off_in_one_sweep(
    backlog: Backlog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweeping, "EVENTS_PER_QUERY", 4)
    monkeypatch.setattr(sweeping, "EVENTS_TOGETHER", 4)
    backlog(15, 1)
    # The other way round: those that are due first occurred last.
    for number, event in enumerate(WebhookEvent.objects.order_by("-occurred_at")):
        WebhookEvent.objects.filter(pk=event.pk).update(next_attempt_at=at(f"00:{number:02d}"))
    assert sweep() == 15


@pytest.mark.parametrize("limit", [1, 4, 6, 7])
def test_limit(backlog: Backlog, monkeypatch: pytest.MonkeyPatch, limit: int) -> None:
    monkeypatch.setattr(sweeping, "EVENTS_TOGETHER", 2)
    backlog(6, 2)
    assert sweep(limit=limit) == min(limit, 6)
    assert sum(worked().values()) == min(limit, 6)


def test_stop__is_asked_between_two_batches(
    backlog: Backlog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweeping, "EVENTS_TOGETHER", 2)
    backlog(6, 2)
    assert sweep(stop=lambda: sum(worked().values()) >= 3) == 4


def test_failing_mailbox__is_left_and_the_others_worked(
    backlog: Backlog, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    backlog(9, 3)
    work_next = processing.work_next

    def apply_all_or_fail(db: str, alias: str, heads: Sequence[Head]) -> Batched:
        if any(head.mailbox.endswith("_1") for head in heads):
            raise OperationalError("a secret")
        return apply_all(db, alias, heads)

    def work_next_or_fail(db: str, mailbox: str) -> int:
        if mailbox.endswith("_1"):
            raise OperationalError("a secret")
        return work_next(db, mailbox)

    monkeypatch.setattr(batching, "apply_all", apply_all_or_fail)
    monkeypatch.setattr(sweeping, "work_next", work_next_or_fail)
    for _ in range(2):
        sweep()
    assert worked() == {"0": 3, "2": 3}
    assert "Mailbox kinde:customer:customer_1 failed with OperationalError." in caplog.messages
    assert "a secret" not in caplog.text


@pytest.mark.parametrize("per_page", [2, 100])
def test_many__beside_each_other_do_everything_once(
    backlog: Backlog, connect: Connect, monkeypatch: pytest.MonkeyPatch, per_page: int
) -> None:
    monkeypatch.setattr(sweeping, "EVENTS_PER_QUERY", per_page)
    monkeypatch.setattr(sweeping, "EVENTS_TOGETHER", per_page)
    Tally.objects.create(name="events")

    def count(**_: Any) -> None:
        Tally.objects.filter(name="events").update(count=F("count") + 1)

    connect(event_processed, count)
    backlog(40, 7)
    at_once([sweep] * 8)
    WebhookEvent.objects.filter(state="pending").update(next_attempt_at=at("00:00"))
    sweep()

    assert set(WebhookEvent.objects.values_list("state", flat=True)) == {"processed"}
    assert set(WebhookEvent.objects.values_list("attempts", flat=True)) == {1}
    assert Tally.objects.get().count == 40
    assert Heartbeat.objects.count() == 1


class TestHeartbeat:
    """A sweep leaves a sign, and not a write every second."""

    def test_first__is_left_although_nothing_is_due(self) -> None:
        sweep()
        beat = Heartbeat.objects.get(name="sweep")
        assert abs(timezone.now() - beat.at) < timedelta(minutes=1)

    def test_fresh__is_left_as_it_is(self) -> None:
        sweep()
        with CaptureQueriesContext(connection) as queries:
            sweep()
        assert [each["sql"][:6] for each in queries] == ["SELECT", "SELECT", "SELECT"]

    def test_old__is_renewed(self) -> None:
        Heartbeat.objects.create(name="sweep", at=timezone.now() - timedelta(minutes=2))
        sweep()
        assert timezone.now() - Heartbeat.objects.get().at < timedelta(minutes=1)

    def test_long_sweep__leaves_others_while_it_lasts(
        self, backlog: Backlog, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sweeping, "BEAT_EVERY", timedelta())
        monkeypatch.setattr(sweeping, "EVENTS_TOGETHER", 1)
        backlog(3, 3)
        beats: list[Any] = []
        sweep(tell=lambda _: beats.append(Heartbeat.objects.get().at))
        assert len(set(beats)) == 3


class TestWatch:
    """Sweep after sweep, until it is told to stop."""

    def test_database_away__is_waited_for(
        self, backlog: Backlog, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        backlog(2, 2)
        genuine = sweeping.sweep
        answers = iter([OperationalError, None, None])

        def sweep_or_fail(**options: Any) -> int:
            if (error := next(answers)) is not None:
                raise error("the password is hunter2")
            return genuine(**options)

        monkeypatch.setattr(sweeping, "sweep", sweep_or_fail)
        assert watch(lambda: False, every=timedelta(milliseconds=1), limit=2) == 2
        assert caplog.messages[0] == "The sweep failed with OperationalError."
        assert "hunter2" not in caplog.text

    def test_other_error__is_not_waited_for(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail(**_: Any) -> int:
            raise ZeroDivisionError

        monkeypatch.setattr(sweeping, "sweep", fail)
        with pytest.raises(ZeroDivisionError):
            watch(lambda: False, every=timedelta(seconds=1))

    def test_interrupted_sweep__what_it_did_counts(
        self, backlog: Backlog, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        backlog(3, 3)
        genuine = sweeping._beat
        beats = iter([genuine, None, genuine, genuine, genuine])

        def beat(db: str) -> float:
            chosen = next(beats, genuine)
            if chosen is None:
                raise OperationalError
            return chosen(db)

        monkeypatch.setattr(sweeping, "BEAT_EVERY", timedelta())
        monkeypatch.setattr(sweeping, "EVENTS_TOGETHER", 1)
        monkeypatch.setattr(sweeping, "_beat", beat)
        told: list[int] = []
        assert watch(lambda: False, every=timedelta(milliseconds=1), limit=3, tell=told.append) == 3
        assert told == [1, 2, 3]

    def test_pause__ends_when_it_is_told_to_stop(self) -> None:
        stopped = threading.Event()
        threading.Timer(0.1, stopped.set).start()
        assert watch(stopped.is_set, every=timedelta(hours=1)) == 0

    def test_told__while_nothing_happens_too(self) -> None:
        told: list[int] = []
        watch(lambda: len(told) == 2, every=timedelta(milliseconds=1), tell=told.append)
        assert told == [0, 0]


class TestCollections:
    """The garbage collector searches seldom during a sweep, and as before after it."""

    @pytest.fixture(autouse=True)
    def restored(self) -> Iterator[None]:
        before = gc.get_threshold()
        yield
        gc.set_threshold(*before)

    @staticmethod
    def during(backlog: Backlog) -> int:
        seen = []
        backlog(1, 1)
        assert sweep(tell=lambda worked: seen.append(gc.get_threshold()[0])) == 1
        return seen[0]

    def test_usual__is_restored(self, backlog: Backlog) -> None:
        gc.set_threshold(700, 9, 8)
        assert self.during(backlog) == sweeping.OBJECTS_BETWEEN_COLLECTIONS
        assert gc.get_threshold()[0] == 700

    @pytest.mark.parametrize("own", [0, 10**6])
    def test_own_of_a_project__stands(self, backlog: Backlog, own: int) -> None:
        gc.set_threshold(own, 9, 8)
        assert self.during(backlog) == own
        assert gc.get_threshold()[0] == own

    def test_failure__restores_it_too(self, backlog: Backlog) -> None:
        gc.set_threshold(700, 9, 8)
        backlog(1, 1)

        def fail(worked: int) -> None:
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            sweep(tell=fail)
        assert gc.get_threshold()[0] == 700
