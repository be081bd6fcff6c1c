"""Users in one database, billing in the other."""

from __future__ import annotations

from typing import Any


class Router:
    def db_for_read(self, model: Any, **hints: Any) -> str:
        return "billing" if model._meta.app_label == "billing_webhooks" else "default"

    db_for_write = db_for_read

    def allow_relation(self, one: Any, other: Any, **hints: Any) -> bool:
        return True

    def allow_migrate(self, alias: str, app_label: str, **hints: Any) -> bool:
        return (alias == "billing") is (app_label == "billing_webhooks")
