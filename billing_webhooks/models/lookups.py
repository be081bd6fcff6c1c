"""How rows find others whose models refer to theirs, and events by what registers call them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.apps import apps
from django.db.models import Q


def model_called(name: str) -> Any:
    """Return a model of the app; by its name, because it refers to the one that asks."""
    return apps.get_model("billing_webhooks", name)


def of_sequences(sequences: Iterable[str]) -> Q:
    """
    Return the condition for the events with these sequences, by indexed columns alone.

    A sequence is the provider's id of the event, or where it gives none, our own key.
    """
    wanted = set(sequences)
    return Q(external_id__in=wanted) | Q(pk__in=[key for each in wanted if (key := _key(each))])


def _key(sequence: str) -> UUID | None:
    try:
        return UUID(hex=sequence)
    except ValueError:
        return None
