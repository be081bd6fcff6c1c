"""How a stored event reaches a worker: a wake-up call, never the data."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from billing_webhooks import processing
from billing_webhooks.conf import settings
from billing_webhooks.harmless import get_logger

logger = get_logger(__name__)


def wake(mailbox: str) -> None:
    """
    Let somebody work a mailbox soon.

    Never raises: the event is committed, and what is not woken now is found by the
    sweep.
    """
    try:
        WAYS[settings.DISPATCH](mailbox)
    except Exception:
        logger.exception("Mailbox %s could not be worked now; the sweep will find it.", mailbox)


def _inline(mailbox: str) -> None:
    processing.work(mailbox, limit=settings.INLINE_LIMIT)


def _deferred(mailbox: str) -> None:
    """Leave it to `manage.py billing_webhooks process`."""


def _celery(mailbox: str) -> None:
    # Celery is an extra, so it is imported where it is asked for.
    from billing_webhooks import nudging

    nudging.nudge(mailbox)


WAYS: Mapping[str, Callable[[str], None]] = {
    "inline": _inline,
    "celery": _celery,
    "deferred": _deferred,
}
