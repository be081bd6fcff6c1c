"""A router of a project that keeps billing apart."""

from __future__ import annotations

from typing import Any

from django.db.models import Model

# The tests' own rows are written by receivers, in one transaction with ours.
APART = frozenset({"billing_webhooks", "tests"})


class BillingRouter:
    def db_for_read(self, model: type[Model], **hints: Any) -> str:
        return "billing" if model._meta.app_label in APART else "default"

    db_for_write = db_for_read

    def allow_relation(self, one: Model, other: Model, **hints: Any) -> bool:
        return True

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool:
        return (app_label in APART) == (db == "billing")
