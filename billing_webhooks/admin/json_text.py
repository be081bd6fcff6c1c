"""A payload as text: indented, and with every number just as it was sent."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from itertools import islice
from typing import Any

INDENT = "  "


def json_text(value: Any, *, max_lines: int) -> str:
    """
    Return a decoded document as indented JSON, or its first `max_lines` lines.

    A Decimal is written as the number it was read from, which the standard library's
    encoder cannot do. What is no JSON at all is written as a text.
    """
    lines = list(islice(_lines(value, ""), max_lines + 1))
    if len(lines) > max_lines:
        lines[max_lines] = "…"
    return "\n".join(lines)


def _lines(value: Any, indent: str, before: str = "", after: str = "") -> Iterator[str]:
    if isinstance(value, dict) and value:
        pairs = [(f"{_scalar(str(key))}: ", each) for key, each in value.items()]
        yield from _block("{}", pairs, indent, before, after)
    elif isinstance(value, list | tuple) and value:
        yield from _block("[]", [("", each) for each in value], indent, before, after)
    else:
        yield f"{indent}{before}{_scalar(value)}{after}"


def _block(
    brackets: str, items: list[tuple[str, Any]], indent: str, before: str, after: str
) -> Iterator[str]:
    yield f"{indent}{before}{brackets[0]}"
    for position, (name, value) in enumerate(items, start=1):
        yield from _lines(value, indent + INDENT, name, "," if position < len(items) else "")
    yield f"{indent}{brackets[1]}{after}"


def _scalar(value: Any) -> str:
    if isinstance(value, Decimal):
        return str(value)
    return json.dumps(value, ensure_ascii=False, default=str)
