"""The schema is right, and is the one that is committed."""

from __future__ import annotations

import yaml
from drf_spectacular.validation import validate_schema

from tests.api.schema import PATH, generate, text_of
from tests.once import on_one_database

on_one_database()

COMMITTED = yaml.safe_load(PATH.read_text())


def test_schema__is_made_without_a_warning() -> None:
    schema, complaints = generate()

    assert complaints == []
    assert schema["openapi"] == "3.1.0"
    validate_schema(schema)  # type: ignore[no-untyped-call]


def test_schema__is_the_one_that_is_committed() -> None:
    # If not: python -m tests.api.schema
    assert text_of(generate()[0]) == PATH.read_text()


def test_schema__names_every_problem() -> None:
    answers = [
        (status, answer)
        for methods in COMMITTED["paths"].values()
        for operation in methods.values()
        for status, answer in operation["responses"].items()
        if int(status) >= 400
    ]

    assert {next(iter(answer["content"])) for _, answer in answers} == {"application/problem+json"}
    assert {status for status, _ in answers} >= {"400", "403", "404", "405", "406", "409", "429"}
