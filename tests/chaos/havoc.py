"""What goes wrong while events arrive: processes die, PostgreSQL restarts, the broker forgets."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.chaos.misfortunes import Misfortune
from tests.chaos.stage import Stage


@dataclass(frozen=True)
class Disturbance:
    """A time in which something was not there for those who post."""

    what: str
    began: float
    ended: float


class Havoc(threading.Thread):
    """
    One misfortune after another, each kind as often as its weight says, in a random order.

    An exception means that the harness could not bring something back: `error` has it.
    """

    def __init__(
        self,
        stage: Stage,
        rng: random.Random,
        misfortunes: Sequence[Misfortune],
        longest_pause_seconds: float,
        log: Path,
    ) -> None:
        super().__init__(name="havoc", daemon=True)
        self.stage = stage
        self.rng = rng
        self.counts: Counter[str] = Counter()
        self.disturbances: list[Disturbance] = []
        self.error: Exception | None = None
        self._misfortunes = misfortunes
        self._longest_pause_seconds = longest_pause_seconds
        self._log = log
        self._deck: list[Misfortune] = []
        self._undone_later: list[tuple[float, str, Callable[[], None]]] = []
        self._over = threading.Event()
        self._began = time.monotonic()

    def end(self) -> None:
        """Let everything be as it was, and raise what went wrong with that."""
        self._over.set()
        if self.ident is not None:
            self.join()
        if self.error is not None:
            raise self.error

    def run(self) -> None:
        try:
            while not self._over.wait(self.rng.uniform(0, self._longest_pause_seconds)):
                self._undo(time.monotonic())
                self._let_happen(self._draw())
            self._undo(float("inf"))
        except Exception as error:
            self.error = error

    def _draw(self) -> Misfortune:
        if not self._deck:
            self._deck = [each for each in self._misfortunes for _ in range(each.weight)]
            self.rng.shuffle(self._deck)
        return self._deck.pop()

    def _let_happen(self, misfortune: Misfortune) -> None:
        victims_now = {victim for _, victim, _ in self._undone_later if victim}
        if misfortune.victim in victims_now:
            # It is away or frozen already.
            return
        began = time.monotonic()
        undo = misfortune.happen(self.stage, self.rng)
        ended = time.monotonic()
        self.counts[misfortune.name] += 1
        self._note(misfortune.name, began, ended)
        if misfortune.disturbs:
            self.disturbances.append(Disturbance(misfortune.disturbs, began, ended))
        if undo is not None:
            seconds = self.rng.uniform(*misfortune.lasts_seconds)
            self._undone_later.append((ended + seconds, misfortune.victim, undo))

    def _undo(self, until: float) -> None:
        for each in sorted(self._undone_later, key=lambda undone: undone[0]):
            if each[0] <= until:
                self._undone_later.remove(each)
                each[2]()

    def _note(self, name: str, began: float, ended: float) -> None:
        with self._log.open("a") as log:
            log.write(f"{began - self._began:7.2f} s, for {ended - began:.2f} s: {name}\n")
