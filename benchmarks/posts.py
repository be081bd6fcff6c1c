"""What is posted: months of many customers of both providers, each delivery genuine."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count, cycle
from pathlib import Path
from typing import TypeVar

from benchmarks import SECRET
from billing_webhooks.testing import KindeIssuer
from example_project.demonstration import crowd_of_billabear, crowd_of_kinde
from example_project.demonstration.calendar import Calendar
from example_project.demonstration.deliveries import Delivery
from tests.kinde.deliveries import changed_byte

A = TypeVar("A", crowd_of_kinde.Account, crowd_of_billabear.Account)
# In how many threads is signed, which is done outside Python's lock.
THREADS = 2
MONTH = timedelta(days=30)
# A crowd sends more than so many events in its month.
EACH = 300


@dataclass(frozen=True)
class Post:
    """A request, with a body that is ASCII as all of both providers are."""

    path: str
    text: str
    headers: dict[str, str]
    event_type: str

    @property
    def body(self) -> bytes:
        return self.text.encode()

    @property
    def provider(self) -> str:
        return self.path.rpartition("/")[2]

    def forged(self) -> Post:
        """Return the same with another byte in the signature that its text ends with."""
        return replace(self, text=changed_byte(self.body, len(self.text) - 100).decode())

    def of_a_stranger(self) -> Post:
        """Return the same with a secret that nobody has."""
        return replace(self, headers={"Authorization": "Basic bm9ib2R5Og=="})

    def wire(self) -> bytes:
        """Return the request as it goes over a socket."""
        head = [
            f"POST {self.path} HTTP/1.1",
            "Host: 127.0.0.1",
            f"Content-Length: {len(self.text)}",
        ]
        named = [f"{name}: {value}" for name, value in self.headers.items()]
        return "\r\n".join([*head, *named, "", self.text]).encode()


def history(issuer: KindeIssuer, number: int) -> list[Post]:
    """Return so many events of both providers, in the order in which they would arrive."""
    with ThreadPoolExecutor(THREADS) as pool:
        crowds = pool.map(partial(_crowd, issuer), _calendars(number // EACH + 1), count())
    deliveries = [delivery for crowd in crowds for delivery in crowd]
    arriving = sorted(deliveries, key=lambda delivery: delivery.at)
    return [_post(delivery) for delivery in arriving[:number]]


def of(posts: Sequence[Post], provider: str) -> Iterator[Post]:
    """Yield the posts of one provider, without end."""
    return cycle([post for post in posts if post.provider == provider])


def write(posts: Sequence[Post], path: Path) -> None:
    path.write_text("".join(f"{json.dumps(asdict(post))}\n" for post in posts))


def read(path: Path) -> list[Post]:
    with path.open() as lines:
        return [Post(**json.loads(line)) for line in lines]


def _calendars(number: int) -> Iterator[Calendar]:
    """Yield months that begin one after another, so that not everybody signs up at once."""
    now = datetime.now(UTC)
    for index in range(number):
        yield Calendar(now - MONTH * (number - index) / number)


def _crowd(issuer: KindeIssuer, calendar: Calendar, copy: int) -> list[Delivery]:
    """Return the month of a crowd of its own: the demonstration's, by other names."""
    organizations = _renamed(crowd_of_kinde.ACCOUNTS, copy)
    people = _renamed(crowd_of_billabear.ACCOUNTS, copy)
    return [
        *crowd_of_kinde.deliveries(issuer, calendar, organizations),
        *crowd_of_billabear.deliveries(SECRET, calendar, people),
    ]


def _renamed(accounts: Sequence[A], copy: int) -> list[A]:
    return [replace(account, email=f"{copy}-{account.email}") for account in accounts]


def _post(delivery: Delivery) -> Post:
    headers = dict(delivery.headers)
    return Post(delivery.path, delivery.body.decode("ascii"), headers, delivery.event_type)
