"""A history is a list of HTTP requests, and what must come of them."""

import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from example_project.demonstration import clock

TIMEOUT_SECONDS = 30

# The server is on this machine, whatever proxy the environment names.
_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True)
class Delivery:
    """
    One request. `path` begins with a slash; `detail` and `story` are for the reader.

    It arrives `at` a moment of the past. `status` is how it must be answered, `is_new`
    says that it must leave an event that was not there before, and `ends` in which state
    that event must be in the end.
    """

    path: str = field(repr=False)
    body: bytes = field(repr=False)
    event_type: str
    story: str
    at: datetime
    detail: str = ""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    status: int = 200
    is_new: bool = True
    ends: str = "processed"

    def send(self, address: str) -> int:
        """POST it to a server, such as "http://127.0.0.1:8000", and return the answer's status."""
        return post(address + self.path, self.body, self.at, self.headers)


def post(url: str, body: bytes, at: datetime, headers: Mapping[str, str]) -> int:
    """POST a body to the demonstration's server, there at that moment; return the status."""
    request = urllib.request.Request(  # noqa: S310 - the server is the demonstration's own
        url, data=body, headers={**headers, clock.HEADER: at.isoformat()}, method="POST"
    )
    try:
        with _opener.open(request, timeout=TIMEOUT_SECONDS) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


@dataclass(frozen=True)
class History:
    """
    What one provider sends of the customers whose story is told.

    `customers` maps each e-mail to the plan and status in the end, `rows` a kind of
    entry to how many there must be, `signals` those that the example project receives to
    how often it must receive them.
    """

    provider: str
    name: str
    detail_title: str
    deliveries: Sequence[Delivery]
    customers: Mapping[str, tuple[str, str]]
    rows: Mapping[str, int]
    signals: Mapping[str, int]
