"""When things happen: in a month that ends now, by day more than by night."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

# How much happens in each hour of a day.
RHYTHM = (1, 1, 1, 1, 1, 2, 4, 8, 14, 18, 18, 16, 13, 15, 18, 17, 14, 10, 7, 6, 5, 3, 2, 1)
MINUTES = 24 * 60


class Calendar:
    """
    Moments of the month before `now`, told by how many days ago they are.

    Whole days ago are at this time of the day; a part of a day is a part of what happens
    in it, so what is spread evenly comes out few by night. The order stays.
    """

    def __init__(self, now: datetime) -> None:
        self.now = now.astimezone(UTC)
        weights = [RHYTHM[self._hour(minute)] for minute in range(MINUTES)]
        total = sum(weights)
        # The share of a day's business that is left `minute` minutes before its end.
        self._shares = [0.0]
        for weight in weights:
            self._shares.append(self._shares[-1] + weight / total)

    def moment(self, days_ago: float) -> datetime:
        """Return the moment, so many days ago."""
        days = int(days_ago)
        share = days_ago - days
        later = next(at for at in range(MINUTES) if self._shares[at + 1] >= share)
        begun = self._shares[later]
        part = (share - begun) / (self._shares[later + 1] - begun)
        return self.now - timedelta(days=days, minutes=later + part)

    def _hour(self, minutes_ago: int) -> int:
        return (self.now - timedelta(minutes=minutes_ago)).hour


def spread(*numbers: int) -> float:
    """Return a number from 0 to 1, the same for the same numbers and without a pattern."""
    mixed = 0.5
    for number in numbers:
        mixed = (mixed * 7.31 + number * 0.6180339887) % 1
    return mixed
