"""A copy of the billing rows that knows nothing but what domain signals tell."""

from __future__ import annotations

from typing import Any

from django.db.models import Model

from billing_webhooks.models import Subscription
from billing_webhooks.notifications import ARGUMENT_NAMES
from billing_webhooks.projection.columns import written_fields
from billing_webhooks.signals import DOMAIN_SIGNALS
from tests.conftest import Connect
from tests.snapshots import BILLING_MODELS

# Of which the signals that tell of a row by its `changes` are about which argument.
SUBJECTS = {
    name: next(
        (argument for word, argument in WORDS.items() if name.startswith(word)),
        None,
    )
    for WORDS in [
        {
            "customer": "customer",
            "catalogue": "plan",
            "subscription": "subscription",
            "trial": "subscription",
            "payment": "payment",
            "invoice": "invoice",
            "usage": "usage",
        }
    ]
    for name in DOMAIN_SIGNALS
}


class Mirror:
    """
    What a project would know that only listens.

    `breaks` are the changes whose old value is not what was told last.
    """

    def __init__(self, connect: Connect) -> None:
        self.clear()
        for name, signal in DOMAIN_SIGNALS.items():
            if SUBJECTS[name]:
                connect(signal, self.hear, "mirror")

    def clear(self) -> None:
        self.rows: dict[tuple[str, Any], dict[str, Any]] = {}
        self.breaks: list[str] = []
        self._heard: set[Any] = set()

    def hear(self, signal: Any, event: Any, changes: Any = None, **arguments: Any) -> None:
        row: Model | None = arguments[SUBJECTS[signal.name] or ""]
        if row is None or changes is None or (event.pk, type(row), row.pk) in self._heard:
            return
        self._heard.add((event.pk, type(row), row.pk))
        known = self.rows.setdefault((type(row).__name__, row.pk), {})
        for name, (old, _) in changes.items():
            field: Any = row._meta.get_field(name)
            before = known.get(name, field.get_default() if known else None)
            # That a plan's name turns out to be another plan's is no news of who is on it.
            is_plan = name == "plan"
            if before != old and not is_plan and not (name not in known and old is None):
                self.breaks.append(f"{row._meta.model_name} {name}: {before!r}, not {old!r}")
        known.update({name: new for name, (_, new) in changes.items()})

    def faults(self) -> list[str]:
        """Return what is otherwise in the database; of links, whose a subscription is alone."""
        return self.breaks + [
            f"{model.__name__} {row} {field.name}: {getattr(row, field.attname)!r}, not {told!r}"
            for model in BILLING_MODELS
            if model._meta.model_name in ARGUMENT_NAMES
            for row in model._base_manager.all()
            for field in written_fields(type(row))
            if (not field.is_relation or (field.name == "customer" and model is Subscription))
            and (told := self._told(row, field)) != getattr(row, field.attname)
        ]

    def _told(self, row: Model, field: Any) -> Any:
        return self.rows.get((type(row).__name__, row.pk), {}).get(field.name, field.get_default())
