"""Which of two databases the harness speaks to: the one of the chaos, or the quiet one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from django.db import models

_alias: ContextVar[str] = ContextVar("alias", default="default")


@contextmanager
def database(alias: str) -> Iterator[None]:
    """Read and write there whatever names no database."""
    token = _alias.set(alias)
    try:
        yield
    finally:
        _alias.reset(token)


class Router:
    def db_for_read(self, model: type[models.Model], **hints: Any) -> str:
        return _alias.get()

    db_for_write = db_for_read

    def allow_relation(self, first: models.Model, second: models.Model, **hints: Any) -> bool:
        return first._state.db == second._state.db
