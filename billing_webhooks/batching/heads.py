"""The next events of mailboxes, as far as they may be worked together."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from itertools import accumulate, groupby
from operator import attrgetter
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import BooleanField, ExpressionWrapper, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Length

from billing_webhooks.attempts import DUE, UNDER_WAY, pending
from billing_webhooks.compiled import Recurring, any_of, values
from billing_webhooks.lifecycle import Step
from billing_webhooks.models import Mailbox

# Of the bodies worked together: events are of some KB, but each may be of a MiB.
MOST_BYTES = 16 * 1024 * 1024

FRESH = Q(attempts=0, attempt_began_at=None, applied_at=None, only_receiver="")


@dataclass(frozen=True)
class Head:
    """One of the next events of its mailbox, whose row may not exist yet."""

    key: UUID
    provider: str
    mailbox: str
    has_mailbox: bool
    traceparent: str


provider_of = attrgetter("provider")


@dataclass
class Batched:
    """
    What a batch has come to.

    `settled` is how many events are done. Of these mailboxes, `alone` have an event next
    that is to be worked by itself, `more` have others that may be worked together, and
    `unseen` were not looked into, because there was enough to do. `unmade` have no row.
    `steps` are to be told when the batch is committed.
    """

    settled: int = 0
    alone: dict[str, None] = field(default_factory=dict)
    more: dict[str, None] = field(default_factory=dict)
    unseen: list[str] = field(default_factory=list)
    unmade: set[str] = field(default_factory=set)
    steps: list[Step] = field(default_factory=list)

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
    """
    Return at most `limit` of them in their order, and what is next of which mailbox.

    Their bodies have at most MOST_BYTES together, unless one alone has more.
    """
    rows = _next(db, mailboxes, limit + 1)
    sizes = accumulate(row.size or 0 for row in rows[:limit])
    limit = min(limit, max(1, sum(size <= MOST_BYTES for size in sizes)))
    found: list[Head] = []
    rest = Batched()
    for mailbox, of_mailbox in groupby(rows[:limit], attrgetter("mailbox")):
        for row in of_mailbox:
            if not (row.is_fresh and (_is_untried(row) or mailbox in unharmed)):
                rest.alone[mailbox] = None
                rest.unmade |= {mailbox} if row.tried_at is None else set()
                break
            has_mailbox = row.tried_at is not None
            found.append(Head(row.pk, row.provider, mailbox, has_mailbox, row.traceparent))
    if len(rows) > limit:
        seen = {row.mailbox for row in rows[:limit]}
        rest.unseen = [each for each in mailboxes if each not in seen]
        rest.more = dict.fromkeys(seen & {rows[limit].mailbox})
    return found, rest


class Next(NamedTuple):
    """
    One of the next events of its mailbox, and when that was last tried, if there is one.

    Its fields are the columns that are asked for.
    """

    pk: UUID
    provider: str
    mailbox: str
    next_attempt_at: datetime
    traceparent: str
    tried_at: datetime | None
    is_fresh: bool
    size: int | None


def _next(db: str, mailboxes: Collection[str], limit: int) -> list[Next]:
    recurring = Recurring(_of_mailboxes, (limit,), {"mailboxes": list(mailboxes)})
    return [Next(*row) for row in values(db, recurring)]


def _of_mailboxes(db: str, limit: int, *, mailboxes: Any) -> QuerySet[Any, Any]:
    tried = Mailbox._base_manager.filter(key=OuterRef("mailbox")).values("tried_at")
    events = pending(db).filter(DUE | UNDER_WAY, any_of("mailbox", mailboxes))
    return (
        events.annotate(
            tried_at=Subquery(tried),
            is_fresh=ExpressionWrapper(FRESH, BooleanField()),
            size=Length("body"),
        )
        .order_by("mailbox", "occurred_at", "sequence")
        .values_list(*Next._fields)[:limit]
    )


def _is_untried(row: Next) -> bool:
    """Return whether an event was not due yet when its mailbox was last tried."""
    return row.tried_at is None or row.next_attempt_at > row.tried_at
