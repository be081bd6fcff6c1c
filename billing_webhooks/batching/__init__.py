"""
Many events are applied in one transaction, while nothing out of the ordinary happens.

    heads      the next events of mailboxes, as far as they may be worked together
    applying   one transaction: read, project, mark
    collecting the garbage collector, which waits meanwhile

An event that has nobody to be told of it is then done. What is out of the ordinary is left
to `processing`, which works one event after the other and counts every attempt: events
that failed before, are replayed for one receiver, cannot be read, are to be confirmed, or
give to somebody a name that was another's.

A worker may be killed by what it reads. So the mailboxes of a batch are marked as tried
before, in a commit of its own, and an event that was due by then and is still as it came
is worked by itself.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import groupby

from django.db import connections

from billing_webhooks import tracing
from billing_webhooks.batching.applying import apply_all
from billing_webhooks.batching.heads import Batched, Head, heads, provider_of
from billing_webhooks.database import close_if_broken
from billing_webhooks.harmless import get_logger
from billing_webhooks.mailboxes import make, mark_tried

__all__ = ["Batched", "work_together"]

logger = get_logger(__name__)


def work_together(
    db: str, mailboxes: Collection[str], limit: int, *, unharmed: set[str]
) -> Batched:
    """
    Apply the due events of these mailboxes, of each as far as that goes, and at most `limit`.

    Mailboxes that somebody else has are left to them. `unharmed` are those of which this
    worker has brought all batches to their end, and gets those of this one.
    """
    found, next_ones = heads(db, mailboxes, limit, unharmed)
    tried = mark_tried(db, {head.mailbox: head.has_mailbox for head in found})
    mine = sorted((head for head in found if head.mailbox in tried), key=provider_of)
    batched = Batched()
    for alias, of_one in groupby(mine, provider_of):
        _work(db, alias, list(of_one), batched)
    batched.add(next_ones)
    # Of the others nothing is left that was tried.
    unharmed -= tried
    unharmed |= {mailbox for mailbox in tried if batched.is_stopped(mailbox)}
    for mailbox in next_ones.unmade - tried:
        make(db, mailbox)
    return batched


def _work(db: str, alias: str, heads: Sequence[Head], batched: Batched) -> None:
    """Apply events; a batch that fails is split until the bad event stands alone."""
    left = [head for head in heads if not batched.is_stopped(head.mailbox)]
    if not left:
        return
    try:
        with tracing.batch(alias, left):
            batched.add(apply_all(db, alias, left))
    except Exception as error:
        # The message may quote rows, so the log gets the class alone.
        logger.info("A batch of %d events failed with %s.", len(left), type(error).__name__)
        # If the database is away, it is so for the halves, too.
        close_if_broken(db)
        connections[db].ensure_connection()
        if len(left) == 1:
            batched.alone[left[0].mailbox] = None
            return
        middle = len(left) // 2
        _work(db, alias, left[:middle], batched)
        _work(db, alias, left[middle:], batched)
