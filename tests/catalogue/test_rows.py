"""No row of the page is forgotten."""

from __future__ import annotations

from collections import Counter
from functools import reduce
from importlib import import_module

import pytest

from tests.catalogue.all_cases import CASES
from tests.catalogue.cases import FETCHING
from tests.catalogue.rows import FIRST, LAST, NOT_THERE, SHOWN_ELSEWHERE, SHOWN_ELSEWHERE_TOO

ELSEWHERE = [
    (row, name)
    for rows in (SHOWN_ELSEWHERE, SHOWN_ELSEWHERE_TOO)
    for row, names in rows.items()
    for name in names
]


def test_rows__each_is_shown_somewhere() -> None:
    shown = {row for case in CASES for row in case.rows}

    assert shown | SHOWN_ELSEWHERE.keys() | NOT_THERE == set(range(FIRST, LAST + 1))
    assert not shown & SHOWN_ELSEWHERE.keys()
    assert not NOT_THERE & (shown | SHOWN_ELSEWHERE.keys())
    assert shown >= SHOWN_ELSEWHERE_TOO.keys()


@pytest.mark.parametrize(("row", "name"), ELSEWHERE)
def test_rows__shown_elsewhere_by_a_test_that_exists(row: int, name: str) -> None:
    module, _, attributes = name.partition(":")
    test = reduce(getattr, attributes.split("."), import_module(module))

    assert callable(test)
    assert test.__name__.startswith("test_")


def test_cases__each_has_a_name_of_its_own() -> None:
    names = Counter(str(case) for case in CASES)

    assert [name for name, count in names.items() if count > 1] == []


def test_cases__what_is_not_answered_by_200_leaves_one_record_at_most() -> None:
    # But for a fetch of keys that fails: once in a cool-down, whoever sends how much.
    assert not [
        str(case)
        for case in CASES
        for expected in case.expected.values()
        if expected.status != 200 and len([each for each in expected.log if each != FETCHING]) > 1
    ]
