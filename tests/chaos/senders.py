"""Clients that post as the providers do: Kinde again and again, BillaBear once."""

from __future__ import annotations

import random
import threading
import time
from base64 import b64encode
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException

from tests.chaos import SECRET
from tests.chaos.events import Event

THREADS = 12
# Longer than a web server lets its worker try.
ANSWER_SECONDS = 40
KINDE_PAUSE_SECONDS = 0.2
HEADERS = {
    "kinde": {"Content-Type": "application/jwt"},
    "billabear": {"Authorization": f"Basic {b64encode(f'billabear:{SECRET}'.encode()).decode()}"},
}
# How often Kinde sends an event, by chance; at the same time, or so many posts later.
COPIES = (1, 1, 2, 2, 3, 4)
LATER = 150


@dataclass(frozen=True)
class Answer:
    """What came of one post; `status` is 0 where nothing came, and `error` says why."""

    event: Event
    began: float
    ended: float
    status: int
    error: str = ""


def deliveries(rng: random.Random, events: Sequence[Event]) -> list[Event]:
    """Return what is posted, in order: each event, Kinde's several times."""
    places: list[tuple[float, int]] = []
    for index, event in enumerate(events):
        places.append((index, index))
        copies = rng.choice(COPIES) - 1 if event.provider == "kinde" else 0
        places += [(index + rng.choice([0, rng.random() * LATER]), index) for _ in range(copies)]
    return [events[index] for _, index in sorted(places)]


def post(port: int, event: Event) -> int:
    """Return the status with which the web server of a port answers an event."""
    with closing(HTTPConnection("127.0.0.1", port, timeout=ANSWER_SECONDS)) as client:
        path, headers = f"/webhooks/{event.provider}", HEADERS[event.provider]
        client.request("POST", path, event.body, headers)
        return client.getresponse().status


class Senders:
    """
    Threads that post one delivery after another, spread over so many seconds.

    `send` posts an event once and returns the status of the answer.
    """

    def __init__(
        self, send: Callable[[Event], int], posts: Sequence[Event], seconds: float
    ) -> None:
        self.answers: list[Answer] = []
        self._send = send
        self._posts = posts
        self._interval = seconds / len(posts)
        self._next = 0
        self._error: Exception | None = None
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(THREADS)]

    def start(self) -> None:
        self._began = time.monotonic()
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Post nothing more."""
        self._stopped.set()

    def are_done(self, within: float) -> bool:
        """
        Return whether everything is posted before so many seconds are over.

        Raise what kept a thread from posting.
        """
        deadline = time.monotonic() + within
        for thread in self._threads:
            thread.join(max(0, deadline - time.monotonic()))
        if self._error is not None:
            raise self._error
        return not any(thread.is_alive() for thread in self._threads)

    def _run(self) -> None:
        try:
            self._post_all()
        except Exception as error:
            self._error = error

    def _post_all(self) -> None:
        while (index := self._take()) < len(self._posts):
            due = self._began + index * self._interval
            if self._stopped.wait(max(0, due - time.monotonic())):
                return
            self._deliver(self._posts[index])

    def _take(self) -> int:
        with self._lock:
            self._next += 1
            return self._next - 1

    def _deliver(self, event: Event) -> None:
        while self._post(event) != 200 and event.provider == "kinde":
            if self._stopped.wait(random.random() * KINDE_PAUSE_SECONDS):
                return

    def _post(self, event: Event) -> int:
        began = time.monotonic()
        status, error = 0, ""
        try:
            status = self._send(event)
        except (OSError, HTTPException) as failure:
            error = type(failure).__name__
        self.answers.append(Answer(event, began, time.monotonic(), status, error))
        return status
