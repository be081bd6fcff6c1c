"""How long things take: in turn, so that whatever disturbs the machine disturbs them all."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

# Prepares what is then timed.
Preparation = Callable[[], Callable[[], object]]
Measurement = Callable[[], float]


@dataclass(frozen=True)
class Samples:
    """Figures of one thing, measured again and again."""

    values: Sequence[float]

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    def quantile(self, share: float) -> float:
        """Return the figure that so large a share of all does not exceed."""
        return sorted(self.values)[min(int(share * len(self.values)), len(self.values) - 1)]

    @property
    def spread(self) -> str:
        """How far the quartiles lie from the median, "" of too few."""
        if len(self.values) < 3 or not self.median:
            return ""
        half = (self.quantile(0.75) - self.quantile(0.25)) / 2
        return f"± {100 * half / self.median:.0f} %"


def interleaved(
    measurements: Mapping[str, Measurement], rounds: int, seconds: float, *, warm_up: int = 0
) -> dict[str, Samples]:
    """
    Return what each measured in its turn: A B C A B C …, by its name.

    There are fewer rounds than asked for, but one, if they take longer than so many
    seconds. Of `warm_up` rounds before them nothing is kept.
    """
    values: dict[str, list[float]] = {name: [] for name in measurements}
    end = time.monotonic() + seconds
    for number in range(-warm_up, rounds):
        if number > 0 and time.monotonic() > end:
            break
        for name, measure in measurements.items():
            value = measure()
            if number >= 0:
                values[name].append(value)
    return {name: Samples(each) for name, each in values.items()}


def timed(prepare: Preparation, times: int = 1) -> Measurement:
    """
    Return what measures the mean seconds of that which is prepared, not counted in.

    What is done so many times in a row finds the processor's caches filled, as it does in
    a server that does nothing else.
    """

    def measure() -> float:
        works = [prepare() for _ in range(times)]
        began = time.perf_counter()
        for work in works:
            work()
        return (time.perf_counter() - began) / times

    return measure
