"""What a provider wants to know again after a restart, and in its other processes."""

from __future__ import annotations

from typing import Protocol


class Keeper(Protocol):
    """
    Texts under names, shared by all processes.

    Nothing here raises: without what is kept a provider goes on with what it has.
    """

    def near(self, name: str) -> str | None:
        """Return a text from where it is had without a query, perhaps an old one."""

    def latest(self, name: str) -> str | None:
        """Return a text as it is now; one query."""

    def save(self, name: str, text: str) -> None:
        """Keep a text for good."""

    def claim(self, name: str, seconds: float) -> bool:
        """Return True to one caller of all processes, then to none for so many seconds."""

    def release(self) -> None:
        """Let go of what this thread holds: for a thread that is nobody's request, at its end."""


class NoKeeper:
    """Keeps nothing: each process is on its own."""

    def near(self, name: str) -> str | None:
        return None

    latest = near

    def save(self, name: str, text: str) -> None:
        """Forget it."""

    def claim(self, name: str, seconds: float) -> bool:
        return True

    def release(self) -> None:
        """Hold nothing."""


_keeper: Keeper = NoKeeper()


def keeper() -> Keeper:
    return _keeper


def use(keeper: Keeper) -> None:
    """Let providers keep things there: called once, when the app is ready."""
    global _keeper
    _keeper = keeper
