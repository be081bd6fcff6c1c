"""The app and what refers to it in the one database, users and the rest in another."""

from __future__ import annotations

import os
from typing import Any

from django.db.models import Model

BILLING = os.environ.get("TESTS_BILLING_ALIAS", "default")
BILLED = {"billing_webhooks", "tests"}


class Router:
    def db_for_read(self, model: type[Model], **hints: Any) -> str:
        return BILLING if model._meta.app_label in BILLED else "default"

    db_for_write = db_for_read

    def allow_relation(self, first: Model, second: Model, **hints: Any) -> bool:
        return self.db_for_read(type(first)) == self.db_for_read(type(second))

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool:
        return db == (BILLING if app_label in BILLED else "default")
