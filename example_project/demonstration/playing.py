"""Play a month: deliveries, sweeps, outages and sign-ups, each at its own moment."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from operator import itemgetter

from django.contrib.auth import get_user_model

from billing_webhooks.models import Customer
from billing_webhooks.testing import KindeIssuer
from example_project.demonstration import (
    billabear,
    clock,
    crowd_of_billabear,
    crowd_of_kinde,
    kinde,
    outages,
    trouble,
)
from example_project.demonstration.calendar import Calendar
from example_project.demonstration.deliveries import Delivery, History, post
from example_project.journal.models import Outage, Service

# What failed is due again at the latest after so long: see the settings beside this file.
UNTIL_DUE_SECONDS = 0.05

# Each makes so many attempts, in days ago: until all that failed is dead, and later a few.
ATTEMPTS = 8
SWEEPS = [8.75 - number * 0.002 for number in range(16)] + [0.1, 0.03, 0]

Step = tuple[datetime, Callable[[], None]]

# How many days ago a user of the project is made the owner of a customer, by e-mail.
LINKED = [
    (27.5, "ada", "ada@analytical.example"),
    (24.0, "joan", "joan@contoso.example"),
    (24.4, "mira", "mira@papermill.example"),
    (13.3, "mira", "mira@papermill.example"),
    (21.0, "northwind-office", "billing@northwind.example"),
    (20.0, "northwind-boss", "billing@northwind.example"),
    (20.5, "radia", "radia@bridges.example"),
    (8.7, "piet", "piet@treyresearch.example"),
    (15.0, "dorothy", "dorothy@vectors.example"),
    (5.0, "tony", "tony@quicksort.example"),
    (12.0, "mallory", "mallory@chargeback.example"),
    (18.0, "katherine", "katherine@orbit.example"),
]


@dataclass(frozen=True)
class Month:
    """All that is sent: the stories of some customers, the others', and what goes wrong."""

    calendar: Calendar
    stories: Sequence[History]
    others: Mapping[str, Sequence[Delivery]]
    trouble: Mapping[str, Sequence[Delivery]]

    def deliveries(self) -> list[Delivery]:
        """Return every delivery, in the order of their arrival."""
        groups = [
            *(story.deliveries for story in self.stories),
            *self.others.values(),
            *self.trouble.values(),
        ]
        return sorted((each for group in groups for each in group), key=lambda each: each.at)


def month(issuer: KindeIssuer, secret: str, now: datetime) -> Month:
    """Return a month of both providers that ends now."""
    calendar = Calendar(now)
    return Month(
        calendar,
        stories=[kinde.history(issuer, calendar), billabear.history(secret, calendar)],
        others={
            "kinde": list(crowd_of_kinde.deliveries(issuer, calendar)),
            "billabear": list(crowd_of_billabear.deliveries(secret, calendar)),
        },
        trouble={
            "kinde": list(trouble.from_kinde(issuer, calendar)),
            "billabear": list(trouble.from_billabear(secret, calendar)),
        },
    )


def play(month: Month, address: str) -> dict[int, int]:
    """Play a month to a server, and return the answer to each delivery, by the delivery's id."""
    clock.install()
    answers: dict[int, int] = {}

    def send(delivery: Delivery) -> None:
        answers[id(delivery)] = delivery.send(address)

    steps: list[Step] = [
        *((each.at, partial(send, each)) for each in month.deliveries()),
        *_sweeps(month.calendar, address),
        *_outages(month.calendar),
        *_links(month.calendar),
    ]
    for at, step in sorted(steps, key=itemgetter(0)):
        with clock.at(at):
            step()
    return answers


def _sweeps(calendar: Calendar, address: str) -> Iterator[Step]:
    def sweep() -> None:
        time.sleep(UNTIL_DUE_SECONDS)
        post(f"{address}/demonstration/sweep/?limit={ATTEMPTS}", b"", clock.now(), {})

    for days_ago in SWEEPS:
        yield calendar.moment(days_ago), sweep


def _outages(calendar: Calendar) -> Iterator[Step]:
    def switch(is_down: bool) -> None:
        Outage.objects.update_or_create(service=Service.MAIL, defaults={"is_down": is_down})

    yield calendar.moment(outages.WAS_DOWN), partial(switch, True)
    yield calendar.moment(outages.WORKED_AGAIN), partial(switch, False)
    yield calendar.moment(outages.IS_DOWN_SINCE), partial(switch, True)


def _links(calendar: Calendar) -> Iterator[Step]:
    def sign_up(username: str, email: str) -> None:
        users = get_user_model()._default_manager
        user, _is_new = users.get_or_create(username=username, defaults={"email": email})
        for customer in Customer.objects.filter(email=email):
            customer.link(user)

    for days_ago, username, email in LINKED:
        yield calendar.moment(days_ago), partial(sign_up, username, email)
