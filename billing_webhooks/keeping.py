"""What providers keep: in Django's cache for speed, and in the database for good."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

from django.core.cache import cache
from django.db import IntegrityError, connections
from django.db.models import Q

from billing_webhooks.database import savepoint_if_in_transaction, write_alias
from billing_webhooks.harmless import get_logger
from billing_webhooks.models import KeptText

logger = get_logger(__name__)

CACHE_SECONDS = 7 * 24 * 60 * 60


class SharedKeeper:
    """
    Keeps texts for all processes, whatever the cache is.

    Django's default cache is one of each process, so what must be the same for all is the
    database's. Neither being down keeps a genuine event out.
    """

    def near(self, name: str) -> str | None:
        try:
            text = cache.get(_cache_key(name))
        except Exception:
            return None
        return text if isinstance(text, str) else None

    def latest(self, name: str) -> str | None:
        try:
            rows = KeptText._base_manager.using(write_alias()).filter(name=name)
            return rows.values_list("text", flat=True).first() or None
        except Exception as error:
            logger.info("The database has no %s now: %s.", name, type(error).__name__)
            return None

    def save(self, name: str, text: str) -> None:
        try:
            if not self._update(name, text=text):
                self._insert(name, text=text)
        except Exception as error:
            logger.warning("The database cannot keep %s now: %s.", name, type(error).__name__)
        try:
            cache.set(_cache_key(name), text, CACHE_SECONDS)
        except Exception as error:
            logger.warning("The cache is out of reach (%s).", type(error).__name__)

    def claim(self, name: str, seconds: float) -> float | None:
        now = datetime.fromtimestamp(time.time(), UTC)
        free = Q(claimed_at=None) | Q(claimed_at__lte=now - timedelta(seconds=seconds))
        try:
            if self._update(name, free, claimed_at=now) or self._insert(name, claimed_at=now):
                return None
            claimed = KeptText._base_manager.using(write_alias()).get(name=name).claimed_at
            return 0.0 if claimed is None else (now - claimed).total_seconds()
        except Exception as error:
            logger.info("The database has no say in %s now: %s.", name, type(error).__name__)
            return None if self._claim_in_cache(name, seconds) else seconds

    def release(self) -> None:
        connections.close_all()

    def _claim_in_cache(self, name: str, seconds: float) -> bool:
        try:
            return cache.add(f"{_cache_key(name)}:claim", 1, seconds)
        except Exception:
            return True

    def _update(self, name: str, condition: Q | None = None, **values: object) -> bool:
        rows = KeptText._base_manager.using(write_alias()).filter(condition or Q(), name=name)
        return rows.update(**values) == 1

    def _insert(self, name: str, **values: object) -> bool:
        """Return whether the row is new; there may be one that was not to be updated."""
        alias = write_alias()
        try:
            with savepoint_if_in_transaction(alias):
                KeptText(name=name, **values).save(using=alias, force_insert=True)
        except IntegrityError:
            return False
        return True


def _cache_key(name: str) -> str:
    return f"billing_webhooks:{name}"
