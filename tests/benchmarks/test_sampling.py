"""What a sampler says of work whose code is known."""

from __future__ import annotations

import sys
import time

import pytest

from benchmarks import sampling
from benchmarks.sampling import Sampler, group_of
from billing_webhooks.providers import strict_json
from tests.once import on_one_database

on_one_database()


@pytest.mark.parametrize(
    ("files", "group"),
    [
        (["/lib/django/core/handlers/base.py", "/app/billing_webhooks/views.py"], sampling.PACKAGE),
        (["/app/billing_webhooks/bulk.py", "/lib/django/db/models/query.py"], sampling.ORM),
        (["/app/billing_webhooks/projection/loading.py", "/lib/json/decoder.py"], sampling.ROWS),
        (["/lib/django/db/backends/utils.py", "/lib/psycopg/cursor.py"], sampling.DATABASE),
        (["/app/shop/views.py"], sampling.OTHERS),
    ],
)
def test_group__is_that_of_the_innermost_code(files: list[str], group: str) -> None:
    found: list[str] = []

    def called_by(files: list[str]) -> None:
        if not files:
            found.append(group_of(sys._getframe()))
            return
        code = compile("called_by(files)", files[0], "exec")
        exec(code, {"called_by": called_by, "files": files[1:]})  # noqa: S102

    called_by(files)
    assert found == [group]


def test_sampler__looks_only_while_it_is_to() -> None:
    sampler = Sampler()
    strict_json.parse(b"[1]")
    with sampler.watching():
        while not sampler.found[sampling.READING]:
            strict_json.parse(b"[1]")
    found = sampler.found.total()
    time.sleep(5 * sampling.EVERY_SECONDS)
    assert sampler.found.total() == found
