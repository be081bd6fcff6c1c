"""The clock and the calendar by which the demonstration plays a month."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from django.utils import timezone

from example_project import settings as usual
from example_project.demonstration import clock
from example_project.demonstration.calendar import Calendar
from tests.once import on_one_database

on_one_database()

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
THEN = datetime(2026, 2, 1, 3, 4, 5, tzinfo=UTC)


@pytest.fixture
def middleware(monkeypatch: pytest.MonkeyPatch) -> clock.ClockMiddleware:
    """One whose view answers with the time by Django's clock."""
    monkeypatch.setattr(timezone, "now", timezone.now)

    def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse(timezone.now().isoformat())

    return clock.ClockMiddleware(view)


def test_clock__header__is_the_time_of_the_request_alone(
    middleware: clock.ClockMiddleware, rf: RequestFactory
) -> None:
    answer = middleware(rf.get("/", headers={clock.HEADER: THEN.isoformat()}))

    assert answer.content.decode() == THEN.isoformat()
    assert datetime.now(UTC) - timezone.now() < timedelta(minutes=1)


def test_clock__no_header__is_the_real_time(
    middleware: clock.ClockMiddleware, rf: RequestFactory
) -> None:
    answered = datetime.fromisoformat(middleware(rf.get("/")).content.decode())

    assert timezone.now() - answered < timedelta(minutes=1)


def test_clock__another_machine__is_refused(
    middleware: clock.ClockMiddleware, rf: RequestFactory
) -> None:
    headers = {clock.HEADER: THEN.isoformat()}

    assert middleware(rf.get("/", headers=headers, REMOTE_ADDR="192.0.2.7")).status_code == 403


def test_clock__usual_settings__have_none() -> None:
    assert not [name for name in usual.MIDDLEWARE if "demonstration" in name]


@pytest.mark.parametrize("hour", range(0, 24, 5))
def test_calendar__any_time_of_day__keeps_order_and_whole_days(hour: int) -> None:
    now = NOON.replace(hour=hour)
    calendar = Calendar(now)
    moments = [calendar.moment(tenth / 10) for tenth in range(300)]

    assert moments == sorted(moments, reverse=True)
    assert moments[::10] == [now - timedelta(days=day) for day in range(30)]


def test_calendar__even_shares__come_by_day() -> None:
    hours = [Calendar(NOON).moment(share / 100).hour for share in range(1, 100)]

    assert sum(6 <= hour < 20 for hour in hours) > 85
