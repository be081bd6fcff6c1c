"""A router of a project that reads from a replica whatever names no database."""

from __future__ import annotations

from typing import Any

from django.db.models import Model


class ReplicaRouter:
    def db_for_read(self, model: type[Model], **hints: Any) -> str:
        return "replica"

    def db_for_write(self, model: type[Model], **hints: Any) -> str:
        return "default"

    def allow_relation(self, one: Model, other: Model, **hints: Any) -> bool:
        return True
