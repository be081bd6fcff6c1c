"""Receivers that note each call, and fail and linger as they are told."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from billing_webhooks.models import WebhookEvent
from billing_webhooks.providers.billabear.signals import SIGNALS as BILLABEAR_SIGNALS
from billing_webhooks.providers.kinde.signals import SIGNALS as KINDE_SIGNALS
from billing_webhooks.signals import DOMAIN_SIGNALS, EventSignal, event_processed
from tests.conftest import Connect
from tests.interleaving import pause
from tests.models import Call
from tests.outcomes import note_call

# These tell of an event whatever came before it.
OF_EACH_EVENT = [*KINDE_SIGNALS.values(), *BILLABEAR_SIGNALS.values(), event_processed]
RECEIVERS = {"first": [*DOMAIN_SIGNALS.values(), *OF_EACH_EVENT], "second": [event_processed]}

# An event by its sequence, and a receiver.
Pair = tuple[str, str]
Mood = tuple[int, Callable[[], Exception]]


class Audience:
    """
    The receivers. `moods` says how often a receiver raises what for an event, and
    `lingering` which ones pause in their work. `met` lists the mailboxes in whose turn two
    receivers were at work at once.
    """

    def __init__(
        self, connect: Connect, receivers: Mapping[str, Sequence[EventSignal]] = RECEIVERS
    ) -> None:
        self.behave()
        self.met: list[str] = []
        self._at_work: set[str] = set()
        for name, heard in receivers.items():
            for signal in heard:
                connect(signal, self._receiver(name), name)

    def behave(
        self, moods: Mapping[Pair, Mood] | None = None, lingering: Collection[Pair] = ()
    ) -> None:
        self.moods = moods or {}
        self.lingering = lingering
        self._raised: Counter[tuple[str, ...]] = Counter()

    def was_told_in_order(self, *, but_for: Collection[str] = ()) -> bool:
        """Return whether each customer's events, but for some, came in their order."""
        events = WebhookEvent.objects.exclude(sequence__in=but_for).in_bulk()
        heard: dict[str, list[Any]] = defaultdict(list)
        for call in Call.objects.filter(event__in=events).order_by("pk"):
            event = events[call.event]
            heard[event.mailbox].append((event.occurred_at, event.sequence))
        return all(moments == sorted(moments) for moments in heard.values())

    def _receiver(self, name: str) -> Callable[..., None]:
        def hear(signal: EventSignal, event: WebhookEvent, **arguments: Any) -> None:
            with self._alone(event.mailbox):
                note_call(name, signal, event)
                if (event.sequence, name) in self.lingering:
                    pause()
                self._perhaps_raise(event.sequence, name, signal.name)

        return hear

    @contextmanager
    def _alone(self, mailbox: str) -> Iterator[None]:
        if mailbox in self._at_work:
            self.met.append(mailbox)
        self._at_work.add(mailbox)
        try:
            yield
        finally:
            self._at_work.discard(mailbox)

    def _perhaps_raise(self, event: str, name: str, signal: str) -> None:
        times, error = self.moods.get((event, name), (0, Exception))
        if self._raised[event, name, signal] < times:
            self._raised[event, name, signal] += 1
            raise error()
