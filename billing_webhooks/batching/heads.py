"""The next events of mailboxes, as far as they may be worked together."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from operator import attrgetter, itemgetter
from typing import Any
from uuid import UUID

from django.db.models import BooleanField, ExpressionWrapper, OuterRef, Q, Subquery

from billing_webhooks.attempts import DUE, UNDER_WAY, pending
from billing_webhooks.models import Mailbox

FRESH = Q(attempts=0, attempt_began_at=None, applied_at=None, only_receiver="")


@dataclass(frozen=True)
class Head:
    """One of the next events of its mailbox, whose row may not exist yet."""

    key: UUID
    provider: str
    mailbox: str
    has_mailbox: bool


provider_of = attrgetter("provider")


@dataclass
class Batched:
    """
    What a batch has come to.

    `settled` is how many events are done. Of these mailboxes, `alone` have an event next
    that is to be worked by itself, `more` have others that may be worked together, and
    `unseen` were not looked into, because there was enough to do. `unmade` have no row.
    """

    settled: int = 0
    alone: dict[str, None] = field(default_factory=dict)
    more: dict[str, None] = field(default_factory=dict)
    unseen: list[str] = field(default_factory=list)
    unmade: set[str] = field(default_factory=set)

    def is_stopped(self, mailbox: str) -> bool:
        return mailbox in self.alone or mailbox in self.more

    def add(self, other: Batched) -> None:
        self.settled += other.settled
        self.alone |= other.alone
        self.more |= other.more
        self.unseen += other.unseen


def heads(
    db: str, mailboxes: Collection[str], limit: int, unharmed: Collection[str]
) -> tuple[list[Head], Batched]:
    """Return at most `limit` of them in their order, and what is next of which mailbox."""
    rows = _next(db, mailboxes, limit + 1)
    found: list[Head] = []
    rest = Batched()
    for mailbox, of_mailbox in groupby(rows[:limit], itemgetter("mailbox")):
        for row in of_mailbox:
            if not (row["is_fresh"] and (_is_untried(row) or mailbox in unharmed)):
                rest.alone[mailbox] = None
                rest.unmade |= {mailbox} if row["tried_at"] is None else set()
                break
            found.append(Head(row["pk"], row["provider"], mailbox, row["tried_at"] is not None))
    if len(rows) > limit:
        seen = {row["mailbox"] for row in rows[:limit]}
        rest.unseen = [each for each in mailboxes if each not in seen]
        rest.more = dict.fromkeys(seen & {rows[limit]["mailbox"]})
    return found, rest


def _next(db: str, mailboxes: Collection[str], limit: int) -> list[Any]:
    tried = Mailbox._base_manager.filter(key=OuterRef("mailbox")).values("tried_at")
    events = pending(db).filter(DUE | UNDER_WAY, mailbox__in=mailboxes)
    return list(
        events.annotate(tried_at=Subquery(tried), is_fresh=ExpressionWrapper(FRESH, BooleanField()))
        .order_by("mailbox", "occurred_at", "sequence")
        .values("pk", "provider", "mailbox", "next_attempt_at", "tried_at", "is_fresh")[:limit]
    )


def _is_untried(row: Mapping[str, Any]) -> bool:
    """Return whether an event was not due yet when its mailbox was last tried."""
    return row["tried_at"] is None or bool(row["next_attempt_at"] > row["tried_at"])
