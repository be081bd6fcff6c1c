"""A cheap sender: what it takes of the processor is missing to the server beside it."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

CLIENTS = 4
# Enough for all who wait while a server waits for a silent broker.
WAITING = 64
ANSWER_SECONDS = 30


@dataclass(frozen=True)
class Answer:
    """What came of a request, and how long after it was due."""

    status: int
    seconds: float


def send(port: int, wire: bytes) -> int:
    """Return the status with which a server of this machine answers a request."""
    with socket.create_connection(("127.0.0.1", port), ANSWER_SECONDS) as connection:
        connection.sendall(wire)
        answer = connection.recv(4096)
        # What is closed before the server has closed it may cost the server an error.
        while connection.recv(4096):
            pass
    return int(answer[9:12])


def burst(port: int, wires: Iterable[bytes], status: int = 200) -> float:
    """Return how many of these requests were answered in a second, all as they must be."""
    todo = list(wires)
    with ThreadPoolExecutor(CLIENTS) as clients:
        began = time.perf_counter()
        answered = list(clients.map(lambda wire: send(port, wire), todo))
        seconds = time.perf_counter() - began
    _assure(answered, status)
    return len(todo) / seconds


def steadily(port: int, wires: Sequence[bytes], rate: float, status: int = 200) -> list[Answer]:
    """
    Return the answers to requests that are sent so many in a second.

    None waits for the one before it, and its time counts from the moment at which it was
    due: a server that stops for a while keeps all waiting who come meanwhile.
    """
    began = time.monotonic()

    def deliver(index: int) -> Answer:
        due = began + index / rate
        time.sleep(max(0.0, due - time.monotonic()))
        return Answer(send(port, wires[index]), time.monotonic() - due)

    with ThreadPoolExecutor(WAITING) as clients:
        answers = list(clients.map(deliver, range(len(wires))))
    _assure([answer.status for answer in answers], status)
    return answers


def _assure(answered: Sequence[int], status: int) -> None:
    wrong = sorted({each for each in answered if each != status})
    if wrong:
        raise RuntimeError(f"Answered {wrong}, not {status}: the figures would say nothing.")
