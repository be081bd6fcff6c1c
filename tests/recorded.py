"""Rows that events make: made by events once, and then written as they were."""

from __future__ import annotations

import time
from collections.abc import Callable
from copy import copy
from typing import Any, TypeAlias

from django.apps import apps
from django.db import connection, models, transaction

# What a test finds is as new as if it had just come.
FRESH_SECONDS = 60.0

Tables: TypeAlias = dict[type[models.Model], list[models.Model]]

_recorded: dict[str, tuple[float, Tables]] = {}


def recorded(name: str, make: Callable[[], Any]) -> None:
    """Have in the empty tables what `make` makes there, without making it each time."""
    made_at, tables = _recorded.get(name, (-FRESH_SECONDS, {}))
    if time.monotonic() - made_at < FRESH_SECONDS:
        _write(tables)
        return
    make()
    every = apps.get_app_config("billing_webhooks").get_models()
    _recorded[name] = (
        time.monotonic(),
        {model: rows for model in every if (rows := list(model._base_manager.all()))},
    )


def _write(tables: Tables) -> None:
    # Rows refer to each other across tables, and MariaDB looks at once.
    with transaction.atomic(), connection.constraint_checks_disabled():
        for model, rows in tables.items():
            model._base_manager.bulk_create([copy(row) for row in rows])
