"""A project that records its spans."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.tracing.spans import Spans


@pytest.fixture
def spans() -> Iterator[Spans]:
    spans = Spans()
    yield spans
    spans.end()
