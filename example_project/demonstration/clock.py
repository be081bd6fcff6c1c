"""
A clock that the demonstration sets, so that a month can arrive within seconds.

Nothing of this is switched on by the example project's own settings: only those beside
this file do, and only the demonstration uses them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime

from django.http import HttpRequest, HttpResponse, HttpResponseForbidden
from django.utils import timezone

HEADER = "X-Demonstration-Time"
THIS_MACHINE = frozenset({"127.0.0.1", "::1"})

_real_now = timezone.now
_set: ContextVar[datetime | None] = ContextVar("demonstration_clock", default=None)


def now() -> datetime:
    """Return the time that is set, else the real one."""
    return _set.get() or _real_now()


def install() -> None:
    """Let Django's `timezone.now()` ask this clock, in this process."""
    timezone.now = now


@contextmanager
def at(moment: datetime) -> Iterator[None]:
    """Let it be this moment, for this thread alone, while the context lasts."""
    before = _set.set(moment)
    try:
        yield
    finally:
        _set.reset(before)


class ClockMiddleware:
    """Work off each request at the moment that its header names. Others are refused."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        install()

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.META.get("REMOTE_ADDR") not in THIS_MACHINE:
            return HttpResponseForbidden("The clock is set from this machine alone.")
        text = request.headers.get(HEADER)
        if text is None:
            return self.get_response(request)
        with at(datetime.fromisoformat(text)):
            return self.get_response(request)
