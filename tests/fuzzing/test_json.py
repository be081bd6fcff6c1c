"""Our reader of JSON beside the standard library's: stricter where it says so, else the same."""

from __future__ import annotations

import json
import math
import re
from decimal import Decimal
from typing import Any

from hypothesis import event, given, target
from hypothesis import strategies as st

from billing_webhooks.providers.strict_json import NotStrictJSON, parse
from tests.fuzzing.budget import budget
from tests.fuzzing.documents import values
from tests.fuzzing.mutations import mutated
from tests.once import on_one_database
from tests.vectors.json_cases import NO, TWICE, YES

on_one_database()

SHORT = [case for case in [*YES.values(), *TWICE.values(), *NO.values()] if len(case) < 200]
NUMBER = b"[-12.5e-3,0,1E+2,1e308,0.1,-0]"
# Too long for a Decimal; the standard library makes a zero of it.
ENDLESS_EXPONENT = re.compile(r"[eE][+-]?\d{18}")
documents = st.builds(
    lambda value, indent, is_ascii: json.dumps(value, indent=indent, ensure_ascii=is_ascii).encode(
        errors="surrogatepass"
    ),
    values,
    st.sampled_from([None, 0, 1, "\t"]),
    st.booleans(),
)


def depth_of(value: Any) -> int:
    if isinstance(value, dict | list):
        inner = value.values() if isinstance(value, dict) else value
        return 1 + max(map(depth_of, inner), default=0)
    return 0


def same(ours: Any, theirs: Any) -> bool:
    """Return whether two documents say the same, a Decimal being the double next to it."""
    if isinstance(ours, Decimal):
        return isinstance(theirs, float) and float(ours) == theirs
    if isinstance(ours, dict | list):
        if type(ours) is not type(theirs) or len(ours) != len(theirs):
            return False
        names: Any = ours if isinstance(ours, dict) else range(len(ours))
        return all(same(ours[name], theirs[name]) for name in names)
    return type(ours) is type(theirs) and bool(ours == theirs)


def numbers_in(value: Any) -> list[float]:
    if isinstance(value, dict | list):
        inner = value.values() if isinstance(value, dict) else value
        return [number for each in inner for number in numbers_in(each)]
    return [value] if isinstance(value, float) else []


def is_strict(text: str) -> bool:
    """Return whether the standard library reads a text, and without what we do not let in."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return False
    beyond = [number for number in numbers_in(value) if not math.isfinite(number)]
    return not beyond and depth_of(value) <= 64 and not ENDLESS_EXPONENT.search(text)


@budget(1000)
@given(body=mutated([*SHORT, NUMBER]) | documents)
def test_any_bytes__are_read_as_the_standard_library_reads_them(body: bytes) -> None:
    try:
        document = parse(body)
    except NotStrictJSON as error:
        event(str(error))
        target(float(len(body)), label="refused")
        assert not is_utf8(body) or not is_strict(body.decode("utf-8-sig"))
        return
    target(float(depth_of(document.value)), label="depth")
    text = body.decode("utf-8-sig")
    assert same(document.value, json.loads(text))
    assert is_strict(text) or depth_of(document.value) == 65


def is_utf8(body: bytes) -> bool:
    try:
        body.decode("utf-8-sig")
    except UnicodeDecodeError:
        return False
    return True


@budget(300)
@given(value=values)
def test_any_document__comes_back(value: Any) -> None:
    body = json.dumps(value).encode()
    document = parse(body)

    assert same(document.value, json.loads(body))
    assert not document.repeated_keys


@budget(300)
@given(pairs=st.lists(st.tuples(st.sampled_from("abcd"), st.integers(0, 3)), max_size=6))
def test_keys__that_stand_twice_are_told_and_no_others(pairs: list[tuple[str, int]]) -> None:
    inside = ",".join(f'"{name}":{value}' for name, value in pairs)
    document = parse(f'{{"outer":[{{{inside}}}]}}'.encode())

    names = [name for name, _ in pairs]
    assert document.repeated_keys == {name for name in names if names.count(name) > 1}
    assert document.value == {"outer": [dict(pairs)]}
