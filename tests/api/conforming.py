"""Whether an answer is as the committed schema says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import yaml
from jsonschema import Draft202012Validator

from tests.api.schema import PATH

COMMITTED = yaml.safe_load(PATH.read_text())


def complaints(path: str, method: str, status: int, told: Any) -> list[str]:
    """Return what is wrong with the JSON of an answer; nothing of an address that is none."""
    return [
        f"{method} {path} {status}: {error.json_path}: {error.message}"
        for template in _templates(path)
        for error in _validator(template, method, status).iter_errors(told)
    ]


def _templates(path: str) -> Iterator[str]:
    below = path.partition("?")[0].removeprefix("/billing")
    fitting = [each for each in COMMITTED["paths"] if re.fullmatch(_pattern(each), below)]
    # One that is to the letter goes before one with parameters.
    yield from sorted(fitting, key=lambda each: each.count("{"))[:1]


def _pattern(template: str) -> str:
    return re.sub(r"\\{[^}]*\\}", "[^/]+", re.escape(template))


@cache
def _validator(template: str, method: str, status: int) -> Draft202012Validator:
    answers = COMMITTED["paths"][template].get(method.lower(), {}).get("responses", {})
    [content] = answers.get(str(status), {}).get("content", {"none": {"schema": {}}}).values()
    return Draft202012Validator({**content["schema"], "components": COMMITTED["components"]})
