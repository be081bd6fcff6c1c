"""Whether Kinde's keys can be had at this moment, and whether the two clocks agree."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from datetime import UTC, timedelta
from email.utils import parsedate_to_datetime

from billing_webhooks.findings import Finding, Level, explained, presentable
from billing_webhooks.providers.fetching import CannotFetch, fetch
from billing_webhooks.providers.kinde.jwk import usable_keys

LARGE_SKEW = timedelta(minutes=1)
# A clock so wrong takes genuine events for too old, or for dated too far ahead.
BROKEN_CLOCK = timedelta(days=1)

ISSUER_ADVICE = "Look at ISSUER: it is your Kinde domain, such as 'https://acme.kinde.com'."
CLOCK_ADVICE = "Let NTP set this machine's clock, for example by chrony or systemd-timesyncd."


def diagnose(alias: str, url: str) -> Iterator[Finding]:
    """Yield what fetching the key set at a URL shows."""
    began = time.time()
    try:
        answer = fetch(url)
    except CannotFetch as error:
        reason, advice = _reason(error)
        yield Finding(
            Level.PROBLEM, f"{alias!r}: no key set from {presentable(url)}: {reason}.", advice
        )
        return
    ended = time.time()
    yield keys_finding(alias, url, answer.document)
    yield clock_finding(alias, answer.headers, began, ended)


def _reason(error: CannotFetch) -> tuple[str, str]:
    if error.is_html:
        return "a page for people is answered instead of keys", ISSUER_ADVICE
    if 300 <= error.status < 400:
        where = presentable(error.location) or "elsewhere"
        return f"it redirects to {where}, which is not followed", (
            "Use the host it leads to as ISSUER, or the key set's own address as JWKS_URL."
        )
    if error.status >= 500 or error.status == 429:
        return str(error), "Wait, and look at Kinde's status page. Keys in the cache are used on."
    if error.status:
        return str(error), f"{ISSUER_ADVICE} If the key set is elsewhere, set JWKS_URL."
    cause = error.__cause__
    return explained(cause) if cause else (str(error), ISSUER_ADVICE)


def keys_finding(alias: str, url: str, document: object) -> Finding:
    number = sum(map(len, usable_keys(document).values()))
    if number:
        plural = "" if number == 1 else "s"
        what = f"{alias!r}: the key set at {presentable(url)} holds {number} usable key{plural}."
        return Finding(Level.OK, what)
    return Finding(
        Level.PROBLEM,
        f"{alias!r}: the key set at {presentable(url)} holds no RSA key for signatures, of 2048 "
        f"bits or more, so no event can be proven.",
        f"{ISSUER_ADVICE} If it is right, set JWKS_URL to where Kinde's documentation says.",
    )


def clock_finding(alias: str, headers: Mapping[str, str], began: float, ended: float) -> Finding:
    """
    Return how far this machine's clock is from the other one's.

    `began` and `ended` are Unix times around the answer; how long it took is no skew.
    """
    moment = _moment(headers)
    if moment is None:
        what = f"{alias!r}: the answer has no time, so this machine's clock is not compared."
        return Finding(Level.OK, what)
    ahead = _ahead(moment, began, ended)
    if abs(ahead) < LARGE_SKEW:
        return Finding(Level.OK, f"{alias!r}: this machine's clock agrees with Kinde's.")
    direction = "ahead of" if ahead > timedelta() else "behind"
    level = Level.WARNING if abs(ahead) < BROKEN_CLOCK else Level.PROBLEM
    # Without the fraction of a second that nobody can tell.
    span = timedelta(seconds=int(abs(ahead).total_seconds()))
    return Finding(
        level, f"{alias!r}: this machine's clock is {span} {direction} Kinde's.", CLOCK_ADVICE
    )


def _moment(headers: Mapping[str, str]) -> float | None:
    """Return the Unix time of an answer, also of one out of a shared cache."""
    try:
        date = parsedate_to_datetime(headers["date"])
        # Without a zone it is UTC, as every HTTP date.
        aware = date if date.tzinfo else date.replace(tzinfo=UTC)
        age = headers.get("age", "")
        return aware.timestamp() + (int(age) if age.isdecimal() and len(age) < 10 else 0)
    except (KeyError, ValueError, OverflowError):
        return None


def _ahead(moment: float, began: float, ended: float) -> timedelta:
    # A date has whole seconds: it was said somewhere between `moment` and a second later.
    if began > moment + 1:
        return timedelta(seconds=began - moment - 1)
    return timedelta(seconds=min(0.0, ended - moment))
