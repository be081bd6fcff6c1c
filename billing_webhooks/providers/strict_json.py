"""A JSON reader that is stricter than the standard library's, for input nobody vouches for."""

from __future__ import annotations

import json
import math
from codecs import BOM_UTF8
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn

MAX_DEPTH = 64


class NotStrictJSON(ValueError):
    """
    The bytes are not UTF-8 JSON within the limits.

    The message goes on from "The body is", and repeats nothing of the bytes.
    """


@dataclass(frozen=True)
class Document:
    """A parsed document and the object keys that stood in it twice, of which the last won."""

    value: Any
    repeated_keys: frozenset[str]


def parse(body: bytes) -> Document:
    """
    Return the document in UTF-8 bytes; a byte order mark is passed over.

    Numbers with a fraction or exponent become Decimal. Raise NotStrictJSON for any
    other encoding, NaN, Infinity, numbers beyond a double's range, and nesting deeper
    than MAX_DEPTH.
    """
    try:
        return _parse(body.removeprefix(BOM_UTF8).decode())
    except NotStrictJSON:
        raise
    except (ValueError, RecursionError) as error:
        # The messages of the standard library quote the input.
        raise NotStrictJSON(f"not JSON ({type(error).__name__})") from None


def _parse(text: str) -> Document:
    try:
        value, repeated = _WITHOUT_REPEATS.decode(text), frozenset[str]()
    except _Repeated:
        value, repeated = _with_repeats(text)
    # What opens less often cannot be nested deeper.
    if text.count("{") + text.count("[") > MAX_DEPTH and _depth_exceeds(value, MAX_DEPTH):
        raise NotStrictJSON(f"JSON nested deeper than {MAX_DEPTH} levels")
    return Document(value, repeated)


def _with_repeats(text: str) -> tuple[Any, frozenset[str]]:
    repeated: set[str] = set()

    def build_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        built = dict(pairs)
        if len(built) < len(pairs):
            seen: set[str] = set()
            for key, _ in pairs:
                (repeated if key in seen else seen).add(key)
        return built

    value = _decoder(build_object).decode(text)
    return value, frozenset(repeated)


class _Repeated(Exception):
    """Some object has a key twice."""


def _unrepeated(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    built = dict(pairs)
    if len(built) < len(pairs):
        raise _Repeated
    return built


def _finite_decimal(text: str) -> Decimal:
    try:
        number = Decimal(text)
    except InvalidOperation:
        # An exponent beyond Decimal's own range: "1e-99999999999999999999".
        raise NotStrictJSON("JSON with a number out of range") from None
    if math.isinf(float(text)):
        raise NotStrictJSON("JSON with a number out of range")
    return number


def _refuse_constant(_: str) -> NoReturn:
    raise NotStrictJSON("JSON with NaN or Infinity, which are no numbers")


def _decoder(build_object: Callable[[list[tuple[str, Any]]], Any]) -> json.JSONDecoder:
    return json.JSONDecoder(
        object_pairs_hook=build_object,
        parse_float=_finite_decimal,
        parse_constant=_refuse_constant,
    )


# Making one takes as long as reading a body, so the usual one is made once.
_WITHOUT_REPEATS = _decoder(_unrepeated)


def _depth_exceeds(value: Any, limit: int) -> bool:
    level = [value]
    for _ in range(limit + 1):
        level = [
            child
            for node in level
            if isinstance(node, dict | list)
            for child in (node.values() if isinstance(node, dict) else node)
        ]
        if not level:
            return False
    return True
