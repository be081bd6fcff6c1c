"""Tolerant reading of values out of a payload by dotted paths, best path first."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from typing import Any

from billing_webhooks.exceptions import NotUnderstood

MAX_ID_LENGTH = 255
MAX_TEXT_LENGTH = 255
MAX_TYPE_LENGTH = 100

# What is below it fits DecimalField(max_digits=24, decimal_places=6), even rounded up.
MAX_AMOUNT = Decimal(10) ** 18 - 1
AMOUNT_STEP = Decimal("0.000001")

# Every supported database stores times between these without complaint.
EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
LATEST = datetime(9999, 1, 1, tzinfo=UTC)

# Decimal itself also reads "1_000", other scripts' digits and "NaN".
_NUMBER = re.compile(r"[+-]?\d{1,40}(\.\d{1,40})?([eE][+-]?\d{1,2})?", re.ASCII)

_UNPRINTABLE = re.compile(r"[^ -~]")
_UNSTORABLE = {0: None} | dict.fromkeys(range(0xD800, 0xE000), "\N{REPLACEMENT CHARACTER}")


def values_at(payload: Mapping[str, Any], *paths: str) -> Iterator[Any]:
    """Yield the values that are there and not null, in the order of the paths."""
    for path in paths:
        node: Any = payload
        for name in _names(path):
            node = node.get(name) if isinstance(node, dict) else None
        if node is not None:
            yield node


@cache
def _names(path: str) -> list[str]:
    return path.split(".")


def text_at(payload: Mapping[str, Any], *paths: str, limit: int = MAX_TEXT_LENGTH) -> str | None:
    """Return the first text, made storable and cut to the limit; None without one."""
    for value in values_at(payload, *paths):
        if isinstance(value, str):
            return storable(value, limit)
    return None


def id_at(payload: Mapping[str, Any], *paths: str) -> str:
    """
    Return the first id, which may be a number; "" without one.

    Raise NotUnderstood for an id that is too long: cut, it would name somebody else.
    """
    for value in values_at(payload, *paths):
        if isinstance(value, int) and not isinstance(value, bool):
            value = str(value)
        if isinstance(value, str) and value:
            if value != storable(value, MAX_ID_LENGTH):
                raise NotUnderstood(
                    f"The id at {paths[0]} is too long or has forbidden characters."
                )
            return value
    return ""


def number_at(payload: Mapping[str, Any], *paths: str) -> Decimal | None:
    """Return the first finite number, sent as a number or as text; zero is a number."""
    for value in values_at(payload, *paths):
        if isinstance(value, str) and _NUMBER.fullmatch(value):
            value = Decimal(value)
        if isinstance(value, int | Decimal) and not isinstance(value, bool):
            number = Decimal(value)
            if abs(number) < MAX_AMOUNT:
                return number.quantize(AMOUNT_STEP)
    return None


def time_at(payload: Mapping[str, Any], *paths: str) -> datetime | None:
    """Return the first RFC 3339 time as aware UTC; one without offset is read as UTC."""
    for value in values_at(payload, *paths):
        moment = parse_time(value)
        if moment is not None:
            return moment
    return None


def parse_time(value: Any) -> datetime | None:
    """Return an aware UTC time, or None for what is no time or out of every database's range."""
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        moment = moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return moment if EARLIEST <= moment < LATEST else None


def printable(text: str, limit: int) -> str:
    """Return text cut to the limit, with a question mark for all that is not printable ASCII."""
    cut = text[:limit]
    # Most text is, and this takes a tenth of the time.
    return cut if cut.isascii() and cut.isprintable() else _UNPRINTABLE.sub("?", cut)


def storable(text: str, limit: int = MAX_TEXT_LENGTH) -> str:
    """
    Return text that every supported database can store.

    NUL is removed, lone surrogates become U+FFFD, and what is longer than the limit is cut.
    """
    if not text.isascii() or "\0" in text:
        text = text.translate(_UNSTORABLE)
    return text[:limit]
