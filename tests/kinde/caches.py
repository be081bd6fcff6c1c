"""A cache whose server is gone."""

from __future__ import annotations

from typing import Any, NoReturn

from django.core.cache.backends.base import BaseCache


class UnreachableCache(BaseCache):
    def __init__(self, location: str, params: dict[str, Any]) -> None:
        super().__init__(params)

    def add(self, *_: Any, **__: Any) -> NoReturn:
        raise ConnectionError

    get = set = touch = delete = clear = add
