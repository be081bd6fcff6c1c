"""Counting that ends at a number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connections
from django.db.models import QuerySet
from django.utils.formats import number_format


def capped_counts(querysets: Sequence[QuerySet[Any]], cap: int) -> list[str]:
    """
    Return how many rows each queryset has, as people read it: "10,000+" where it has more.

    One query; all of them are of one database.
    """
    parts: list[str] = []
    params: list[Any] = []
    alias = querysets[0].db
    for number, rows in enumerate(querysets):
        some = rows.order_by().values_list("pk", flat=True)[: cap + 1]
        try:
            sql, values = some.query.get_compiler(alias).as_sql()
        except EmptyResultSet:
            parts.append("0")
            continue
        parts.append(f"(SELECT COUNT(*) FROM ({sql}) few_{number})")  # noqa: S608 - Django's own
        params += values
    with connections[alias].cursor() as cursor:
        # Django has no expression for a query without a table.
        cursor.execute(f"SELECT {', '.join(parts)}", params)
        found = cursor.fetchone()
    return [_shown(count, cap) for count in found]


def _shown(count: int, cap: int) -> str:
    shown = number_format(min(count, cap), use_l10n=True, force_grouping=True)
    return f"{shown}+" if count > cap else shown
