"""What is usual between the events of an alias, and which silence is not."""

from __future__ import annotations

from datetime import timedelta

import pytest

from billing_webhooks.models import WebhookEvent
from billing_webhooks.rhythm import EVENTS_LOOKED_AT, Rhythm, rhythm
from tests.conftest import at
from tests.once import once
from tests.overview.events import event

pytestmark = pytest.mark.django_db

NOW = at("12:00")
MINUTE = timedelta(minutes=1)


def received(*minutes_ago: float, provider: str = "kinde") -> Rhythm:
    """Return the rhythm of an alias with events so many minutes ago."""
    WebhookEvent.objects.bulk_create(
        event(NOW - ago * MINUTE, provider=provider) for ago in minutes_ago
    )
    return rhythm("kinde", NOW)


def test_rhythm__nothing_ever_came() -> None:
    assert rhythm("kinde", NOW) == Rhythm()
    assert not Rhythm().is_silent(NOW)


def test_rhythm__of_one_event() -> None:
    found = received(90)

    assert (found.known, found.last_at, found.usual_gap) == (1, NOW - 90 * MINUTE, None)
    assert found.last_key == WebhookEvent.objects.get().pk
    assert not found.is_silent(NOW)


def test_rhythm__of_several() -> None:
    found = received(100, 10, 60, 50, 52)

    assert found.silence(NOW) == 10 * MINUTE
    assert (found.usual_gap, found.longest_gap) == (24 * MINUTE, 40 * MINUTE)


def test_rhythm__only_of_this_alias() -> None:
    received(1, 2, 3, provider="billabear")
    assert received(30, 40).known == 2


def test_rhythm__only_of_the_latest() -> None:
    found = received(10_000, *range(EVENTS_LOOKED_AT))
    assert (found.known, found.longest_gap) == (EVENTS_LOOKED_AT, MINUTE)


@pytest.mark.parametrize(
    ("minutes_ago", "is_silent"),
    [
        # Ten minutes apart, so twenty of silence are the most.
        (range(20, 120, 10), False),
        (range(21, 121, 10), True),
        # Nine events say nothing.
        (range(600, 690, 10), False),
        # One every minute, but a quarter of an hour is nothing.
        (range(15, 30), False),
        (range(16, 30), True),
        # There was a night among them.
        ([500, 510, 520, 530, 540, *range(1000, 1100, 10)], False),
    ],
    ids=["usual", "too long", "too few", "short", "no longer short", "after a night"],
)
def test_silence__is_unusual(minutes_ago: list[int], is_silent: bool) -> None:
    assert received(*minutes_ago).is_silent(NOW) is is_silent


# More events than are looked at.
DAY = 24 * 60


def busy(*, until: int, quiet: range, days: int) -> list[int]:
    """Return an event a minute until so many minutes ago, but none when it is quiet each day."""
    return [ago for ago in range(until, days * DAY) if ago % DAY not in quiet]


@once
@pytest.mark.parametrize(
    ("until", "is_silent"),
    [(60, False), (180, False), (599, False), (620, False), (1300, True)],
    ids=["began to be quiet", "night", "most of the night", "a late morning", "a day"],
)
def test_silence__of_every_night_is_usual(until: int, is_silent: bool) -> None:
    # The night began so long ago, and lasts for ten hours.
    night = range(max(until - 600, 0), until)
    assert received(*busy(until=until, quiet=night, days=3)).is_silent(NOW) is is_silent


def test_silence__of_a_busy_day_is_unusual() -> None:
    found = received(*busy(until=20, quiet=range(600, 1000), days=3))
    assert (found.is_silent(NOW), found.longest_gap) == (True, MINUTE)


def test_silence__of_a_weekend_is_usual() -> None:
    # Two days without events, a week ago, too; before, one every ten minutes.
    week = 7 * DAY
    found = received(*range(2 * DAY, week, 10), *range(week + 2 * DAY, week + 3 * DAY, 10))
    assert found.longest_gap == timedelta(days=2, minutes=10)
    assert not found.is_silent(NOW)


def test_silence__of_a_small_shop_is_held_against_its_longest_gap() -> None:
    # Three events a week, Mondays, Tuesdays and Fridays.
    usual = [week * 7 * DAY + day * DAY for week in range(12) for day in (2, 5, 6)]
    assert not received(*usual).is_silent(NOW)
    assert not rhythm("kinde", NOW + timedelta(days=3)).is_silent(NOW + timedelta(days=3))
    assert rhythm("kinde", NOW + timedelta(days=5)).is_silent(NOW + timedelta(days=5))


def test_silence__before_the_last_event_by_another_clock() -> None:
    found = received(*range(-5, 20))
    assert (found.silence(NOW), found.is_silent(NOW)) == (-5 * MINUTE, False)
