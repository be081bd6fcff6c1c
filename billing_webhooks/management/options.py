"""What the operations take on the command line, read and refused by argparse."""

from __future__ import annotations

import re
from argparse import ArgumentTypeError
from datetime import UTC, datetime, timedelta
from urllib.parse import quote, urlsplit

from django.utils import timezone
from django.utils.dateparse import parse_datetime

from billing_webhooks.addresses import Base

# Longer ago than any webhook, and yet a time that every database knows.
MOST_DAYS = 36_500

# Host and port, and no userinfo, where secrets are.
NETLOC = re.compile(r"([\w.-]+|\[[\da-f:.]+\])(:\d+)?", re.ASCII | re.IGNORECASE)


def moment(text: str) -> datetime:
    """Return a time, in the project's time zone unless it says another."""
    try:
        found = parse_datetime(text)
        if found is not None:
            aware = timezone.make_aware(found) if timezone.is_naive(found) else found
            return aware.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise ArgumentTypeError(
        "must be a time such as 2026-03-02, 2026-03-02T10:00 or 2026-03-02T10:00+01:00"
    )


def seconds(text: str) -> timedelta:
    """Return a span of time above zero, at most a day."""
    try:
        span = timedelta(seconds=float(text))
    except (ValueError, OverflowError):
        span = timedelta()
    if not timedelta() < span <= timedelta(days=1):
        raise ArgumentTypeError("must be a number of seconds above 0, and at most a day")
    return span


def days(text: str) -> timedelta:
    """Return an age."""
    if not text.isdecimal() or int(text) > MOST_DAYS:
        raise ArgumentTypeError(f"must be a whole number of days from 0 to {MOST_DAYS}")
    return timedelta(days=int(text))


def count(text: str) -> int:
    """Return how many, at least one."""
    if not text.isdecimal() or int(text) < 1:
        raise ArgumentTypeError("must be a whole number above 0")
    return int(text)


def base(text: str) -> Base:
    """Return the address below which the endpoints are; the error never repeats a secret."""
    try:
        parts = urlsplit(text)
        is_whole = parts.scheme in {"http", "https"} and NETLOC.fullmatch(parts.netloc)
        # A port that is none raises.
        if is_whole and parts.port != 0 and not (parts.query or parts.fragment):
            prefix = quote(parts.path.rstrip("/"), safe="/%:@!$&'()*+,;=~") + "/"
            return Base(parts.scheme, parts.netloc.lower(), "" if prefix == "/" else prefix)
    except ValueError:
        pass
    raise ArgumentTypeError(
        "must be an address such as https://shop.example.com/webhooks/, without user, password, "
        "query and fragment"
    )
