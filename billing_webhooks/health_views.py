"""
What probes and monitors are answered: to anybody, so in words and never in numbers or ids.

None asks the broker, and strangers cannot have the database asked as often as they like.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import ImproperlyConfigured
from django.db import Error
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from billing_webhooks.database import non_atomic
from billing_webhooks.views import unlogged
from billing_webhooks.vitals import health

# What stands in the way of a delivery itself; all else delays what becomes of it.
UNREADY = frozenset({"database", "settings", "unknown"})
UNKNOWN = ("unknown",)
FRESH_SECONDS = 5.0
# Older news is none: whoever asks the database has been kept by it.
LONGEST_SECONDS = 30.0

View = Callable[[HttpRequest], HttpResponse]


class Latest:
    """
    What the inbox's problems are about, as a process has found lately.

    One request asks for all that come meanwhile. It has no lock, which a fork could leave
    locked for ever; what a race can cost is one look too many.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._words: tuple[str, ...] = UNKNOWN
        self._asked_at = self._answered_at = float("-inf")
        self._is_asking = False

    def words(self) -> tuple[str, ...]:
        """Return the words, each once; of what was found half a minute ago at most."""
        patience = LONGEST_SECONDS if self._is_asking else FRESH_SECONDS
        if self._clock() - self._asked_at > patience:
            self._ask()
        is_old = self._clock() - self._answered_at > LONGEST_SECONDS
        return UNKNOWN if is_old else self._words

    def _ask(self) -> None:
        self._asked_at, self._is_asking = self._clock(), True
        try:
            self._words = found_now()
            self._answered_at = self._clock()
        finally:
            self._is_asking = False


latest = Latest()


def found_now() -> tuple[str, ...]:
    """Return what the problems are about, each once; "database" if it cannot be asked."""
    try:
        return tuple(dict.fromkeys(problem.about for problem in health().problems))
    except Error:
        return ("database",)
    except ImproperlyConfigured:
        return ("settings",)


def _for_probes(view: View) -> View:
    """Let anybody have a view's answer, fresh, by GET and HEAD, and outside of any transaction."""
    # Exempt, so that another method is told that it is one.
    return csrf_exempt(login_not_required(non_atomic(never_cache(require_safe(view)))))


@_for_probes
def live(request: HttpRequest) -> HttpResponse:
    """Answer that this process answers: 200, without asking anything of anybody."""
    return HttpResponse("ok\n", content_type="text/plain")


@_for_probes
def ready(request: HttpRequest) -> HttpResponse:
    """Answer 200 if deliveries can be stored, else 503; with what somebody has to look at."""
    words = latest.words()
    return _answer(words, is_good=UNREADY.isdisjoint(words))


@_for_probes
def well(request: HttpRequest) -> HttpResponse:
    """Answer 200 if nobody has to look at anything, else 503; with what it is about."""
    words = latest.words()
    return _answer(words, is_good=not words)


def _answer(words: tuple[str, ...], *, is_good: bool) -> HttpResponse:
    # Django would log each 503 as an error, and mail it to ADMINS: every few seconds.
    return unlogged(JsonResponse({"problems": list(words)}, status=200 if is_good else 503))
