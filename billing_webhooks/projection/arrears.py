"""
Since when money is owed.

A grace begins with the first payment that failed after the last one that succeeded, not
with the latest try. So every piece of bad news is a register of its own, until good news
is newer: then it does not matter in which order they came.
"""

from __future__ import annotations

from collections.abc import Container
from datetime import datetime
from typing import Any

from billing_webhooks.facts import Collection
from billing_webhooks.projection.registers import Draft, Stamp

SETTLED = "settled"
OWED = "owed "


def note(draft: Draft[Any], news: Collection | None, stamp: Stamp) -> None:
    """Write what an event tells of the money of a customer or subscription."""
    if news is None:
        return
    own = draft.own()
    if SETTLED in own and stamp <= Stamp(*own[SETTLED][:2]):
        return
    if news != Collection.PAID:
        draft.write(f"{OWED}{stamp.at} {stamp.by}", news, stamp)
        return
    draft.write(SETTLED, news, stamp)
    for name in [name for name in own if name.startswith(OWED)]:
        if Stamp(*own[name][:2]) < stamp:
            del own[name]


def owed_since(draft: Draft[Any], kinds: Container[str]) -> datetime | None:
    """Return when the first of the unsettled bad news of these kinds came, None without any."""
    settled = draft.stamp(SETTLED)
    stamps = [
        Stamp(at, by)
        for name, (at, by, kind) in draft.standing().items()
        if name.startswith(OWED) and kind in kinds
    ]
    unsettled = [stamp for stamp in stamps if settled is None or stamp > settled]
    return min(unsettled).moment if unsettled else None
