"""The styles, without a browser: a brace that is missing takes every rule after it along."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import billing_webhooks
from tests.once import on_one_database

on_one_database()

SHEETS = sorted((Path(billing_webhooks.__file__).parent / "static").rglob("*.css"))


@pytest.mark.parametrize("sheet", SHEETS, ids=lambda sheet: sheet.name)
def test_styles__braces__are_closed_before_the_next_rule(sheet: Path) -> None:
    rules = re.sub(r"/\*.*?\*/", "", sheet.read_text(), flags=re.DOTALL)
    depth, begun = 0, []
    for line in rules.splitlines():
        if depth and "{" in line and not line.startswith(" "):
            begun.append(line)
        depth += line.count("{") - line.count("}")

    assert SHEETS
    assert begun == []
    assert depth == 0
