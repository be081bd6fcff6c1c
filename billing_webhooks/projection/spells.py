"""
Since when something lasts: that money is owed, that a subscription is cancelled.

A grace begins with the first payment that failed after the last one that succeeded, not
with the latest try. So every event that says it is a register of its own, until one that
says the opposite is newer: then it does not matter in which order they came.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from billing_webhooks.projection.registers import Draft, Stamp


@dataclass(frozen=True)
class Spell:
    """Something that lasts; the first words of the registers that say so, and the opposite."""

    lasts: str
    is_over: str

    def say(self, draft: Draft[Any], value: Any, stamp: Stamp) -> None:
        """Write that it lasts, in which of its kinds."""
        if not self._was_over_after(draft, stamp):
            draft.write(f"{self.lasts} {stamp.at} {stamp.by}", value, stamp)

    def end(self, draft: Draft[Any], stamp: Stamp) -> None:
        """Write that it is over."""
        if self._was_over_after(draft, stamp):
            return
        draft.write(self.is_over, True, stamp)
        own = draft.own()
        for name in self._saying(own):
            if Stamp(*own[name][:2]) < stamp:
                del own[name]

    def since(self, draft: Draft[Any]) -> datetime | None:
        """Return when it began, None if it does not last."""
        over = draft.stamp(self.is_over)
        standing = draft.standing()
        stamps = [Stamp(*standing[name][:2]) for name in self._saying(standing)]
        lasting = [stamp for stamp in stamps if over is None or stamp > over]
        return min(lasting).moment if lasting else None

    def _was_over_after(self, draft: Draft[Any], stamp: Stamp) -> bool:
        over = draft.own().get(self.is_over)
        return over is not None and stamp <= Stamp(*over[:2])

    def _saying(self, registers: Iterable[str]) -> list[str]:
        beginning = f"{self.lasts} "
        return [name for name in registers if name.startswith(beginning)]


ARREARS = Spell("owed", "settled")
CANCELLATION = Spell("ending", "going_on")
