"""Texts and numbers as people read them, wherever they are shown."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from django.utils.timesince import timesince
from django.utils.translation import gettext as _
from django.utils.translation import ngettext


def printable(text: str) -> str:
    r"""
    Return text without what a terminal would obey: the rest as `\x1b` or `\u202e`.

    Names and types are the sender's.
    """
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)


def last_line(text: str, limit: int = 300) -> str:
    """Return the line of a traceback that says what went wrong, printable and cut to the limit."""
    lines = text.strip().splitlines()
    return printable(lines[-1][:limit]) if lines else ""


def span(length: timedelta) -> str:
    """Return a length of time by its largest unit, such as "9 hours"."""
    seconds = int(length.total_seconds())
    if seconds < 60:
        return ngettext("%d second", "%d seconds", seconds) % seconds
    end = datetime(2001, 1, 1, tzinfo=UTC)
    # The spaces of Django's text do not break.
    return timesince(end - length, end, depth=1).replace("\N{NO-BREAK SPACE}", " ")


def duration(length: timedelta) -> str:
    """Return a length of time in its two largest units, such as "4 h 44 min", or "6 ms"."""
    if abs(length) < timedelta(seconds=1):
        return _("%(count)d ms") % {"count": length // timedelta(milliseconds=1)}
    sign, seconds = "-" if length < timedelta() else "", abs(int(length.total_seconds()))
    days, hours, minutes = seconds // 86400, seconds // 3600 % 24, seconds // 60 % 60
    parts = [
        (days, _("%(count)d d")),
        (hours, _("%(count)d h")),
        (minutes, _("%(count)d min")),
        (seconds % 60, _("%(count)d s")),
    ]
    first = next(index for index, (count, _unit) in enumerate(parts) if count)
    shown_parts = [unit % {"count": count} for count, unit in parts[first : first + 2] if count]
    return sign + " ".join(shown_parts)


def number(value: Decimal) -> str:
    """Return a number without the zeros of its column, but with two decimals if with any."""
    whole, point, fraction = f"{value.normalize():f}".partition(".")
    return f"{whole}{point}{fraction:0<2}" if point else whole


def money(amount: Decimal, unit: str, currency: str | None) -> str:
    """Return an amount as it was sent, with all that is known of its unit and currency."""
    parts = {"amount": number(amount), "currency": printable(currency or "")}
    formats = {
        "minor": (_("%(amount)s minor units of %(currency)s"), _("%(amount)s minor units")),
        "major": (_("%(amount)s %(currency)s"), _("%(amount)s major units")),
    }
    unknown = _("%(amount)s %(currency)s (unknown unit)"), _("%(amount)s (unknown unit)")
    with_currency, without = formats.get(unit, unknown)
    return (with_currency if currency else without) % parts
