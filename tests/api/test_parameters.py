"""What a request may say and what not: parameters and their values, and the method HEAD."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.asking import Ask, problem
from tests.once import on_one_database

on_one_database()

pytestmark = pytest.mark.django_db

# Of the order of keys: nothing, no base64, no JSON, no list, too many, no number, too long.
NO_PLACES = ["", "%", "eA", "e30", "WyIxIiwiMiJd", "WyJ4Il0", "WyIxZTMwOCJd", "A" * 9000]


@pytest.mark.parametrize(
    "query",
    [
        {"limit": "0"},
        {"limit": "201"},
        {"limit": "-1"},
        {"limit": "x"},
        {"limit": "²"},
        {"limit": "9" * 5000},
        {"limit": ""},
        {"limit": ["1", "2"]},
        {"cursor": ""},
        {"cursor": "x"},
        {"cursor": "\0"},
        {"cursor": "WyIxIl0"},
        *({"cursor": f"customer.newest.{place}"} for place in NO_PLACES),
        {"ordering": ""},
        {"ordering": "email"},
        {"ordering": "-pk"},
        {"ordering": "updated"},
        {"ordering": "registers__x"},
        {"provider": ""},
        {"provider": "\0"},
        {"email": "x" * 256},
        {"updated_since": "yesterday"},
        {"updated_since": "2026-03-02"},
        {"updated_since": "2026-03-02T10:00:00"},
        {"updated_since": "0001-01-01T00:00:00+14:00"},
        {"updated_since": "9999-12-31T23:59:59-14:00"},
        {"updated_since": "2026-03-02T10:00:00+99:00"},
        {"updated_since": "2026-03-02T25:00:00Z"},
        {"updated_since": "1772445600"},
        {"updated_since": "2026-02-30T10:00:00Z"},
        {"updated_since": "\0"},
        {"updated_since": ""},
    ],
    ids=str,
)
def test_parameter__without_a_usable_value(ask: Ask, query: dict[str, Any]) -> None:
    answer = ask("customers/", **query)

    assert problem(answer, 400) == "invalid_parameter"
    assert [error["parameter"] for error in answer.json()["errors"]] == list(query)


@pytest.mark.parametrize("address", ["customers/", "customers/kinde/customer_ada/", "me/access/"])
def test_head__has_what_a_get_has_but_the_body(ask: Ask, data: None, address: str) -> None:
    answer, head = ask(address), ask(address, "head")

    assert (head.status_code, head.content) == (200, b"")
    assert head.headers == answer.headers


@pytest.mark.parametrize("name", ["page", "format", "registers", "email__startswith", "<b>", "\0"])
def test_parameter__unknown(ask: Ask, name: str) -> None:
    answer = ask("customers/", **{name: "json"})

    assert problem(answer, 400) == "unknown_parameter"
    assert "updated_since" in answer.json()["detail"]
    assert "<b>" not in answer.content.decode()
    assert problem(ask("customers/kinde/customer_ada/", **{name: "1"}), 400) == "unknown_parameter"
