"""Stored bodies are written anew, with the key that is the first by now, or with none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction

from billing_webhooks.database import write_alias
from billing_webhooks.encryption import Sealed
from billing_webhooks.models import ConflictingDelivery, WebhookEvent
from billing_webhooks.models.fields import BodyField

ROWS_PER_BATCH = 200


@dataclass
class Reencrypted:
    """How many bodies were written, and how many no configured key opens."""

    written: int = 0
    unreadable: int = 0


def reencrypt(*, tell: Callable[[int], None] = lambda written: None) -> Reencrypted:
    """
    Write every stored body anew, so that an older key is needed no more.

    Works in batches by key, each its own commit; may be stopped at any time and run again.
    `tell` is called after each batch with the number of bodies so far.
    """
    done = Reencrypted()
    for model in (WebhookEvent, ConflictingDelivery):
        last: Any = UUID(int=0) if model is WebhookEvent else 0
        while batch := _batch(model, last):
            sealed = sum(any(isinstance(each, Sealed) for each in _texts(row)) for row in batch)
            done.written += len(batch) - sealed
            done.unreadable += sealed
            last = batch[-1].pk
            tell(done.written)
    return done


def _batch(model: Any, last: Any) -> list[Any]:
    db = write_alias()
    with transaction.atomic(using=db):
        rows = model._base_manager.using(db).filter(pk__gt=last).order_by("pk")
        # Locked, or a body that is emptied meanwhile would come back.
        batch = list(rows.only("pk", *_columns(model)).select_for_update()[:ROWS_PER_BATCH])
        for row in batch:
            texts = dict(zip(_columns(model), _texts(row), strict=True))
            anew = {k: text for k, text in texts.items() if text and not isinstance(text, Sealed)}
            if anew:
                model._base_manager.using(db).filter(pk=row.pk).update(**anew)
    return batch


def _columns(model: Any) -> Sequence[str]:
    return [each.name for each in model._meta.concrete_fields if isinstance(each, BodyField)]


def _texts(row: Any) -> list[bytes]:
    return [getattr(row, name) for name in _columns(row)]
