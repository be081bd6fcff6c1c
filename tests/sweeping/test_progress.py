"""Progress: a line that is rewritten on a terminal, and seldom a line elsewhere."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management.base import OutputWrapper

from billing_webhooks.management.progress import Progress


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_terminal__line_is_rewritten_and_ended(clock: Clock) -> None:
    terminal = Terminal()
    with Progress(OutputWrapper(terminal), clock) as progress:
        for line in ("long line", "short"):
            progress.show(line)
            clock.now += 1
    assert terminal.getvalue() == "\rlong line\rshort    \r" + "short\n"


def test_terminal__not_more_often_than_an_eye_can_see(clock: Clock) -> None:
    terminal = Terminal()
    with Progress(OutputWrapper(terminal), clock) as progress:
        for done in range(1001):
            progress.show_part(done, 1000)
            clock.now += 0.001
    assert 10 <= terminal.getvalue().count("\r") <= 13
    assert terminal.getvalue().endswith("\r[####################] 1000 of 1000\n")


def test_terminal__nothing_to_show_is_no_line(clock: Clock) -> None:
    terminal = Terminal()
    with Progress(OutputWrapper(terminal), clock):
        pass
    assert terminal.getvalue() == ""


def test_log__nothing_of_what_is_soon_done(clock: Clock) -> None:
    log = StringIO()
    with Progress(OutputWrapper(log), clock) as progress:
        for done in range(1001):
            progress.show_part(done, 1000)
    assert log.getvalue() == ""


def test_log__a_line_every_ten_seconds(clock: Clock) -> None:
    log = StringIO()
    with Progress(OutputWrapper(log), clock) as progress:
        for done in range(31):
            progress.show_part(done, 30)
            clock.now += 1
    assert log.getvalue().splitlines() == [
        "[######..............] 10 of 30",
        "[#############.......] 20 of 30",
        "[####################] 30 of 30",
    ]


def test_log__no_line_twice(clock: Clock) -> None:
    log = StringIO()
    with Progress(OutputWrapper(log), clock) as progress:
        for _ in range(100):
            progress.show("Worked off 3 events.")
            clock.now += 1
    assert log.getvalue() == "Worked off 3 events.\n"


def test_part__of_nothing(clock: Clock) -> None:
    terminal = Terminal()
    with Progress(OutputWrapper(terminal), clock) as progress:
        progress.show_part(0, 0)
    assert "[....................] 0 of 0" in terminal.getvalue()
