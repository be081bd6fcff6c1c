"""What BillaBear sends of everybody whose story is not told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from example_project.demonstration import billabear
from example_project.demonstration.calendar import Calendar
from example_project.demonstration.deliveries import Delivery
from example_project.demonstration.outages import end_of_payment

PRICES = {"Team": 3000, "Studio": 6900}
# Some pay each week, which is why there is so much of it.
WEEK = 7.0
MIGRATED = "mira@papermill.example"

Event = tuple[float, str, Mapping[str, Any]]


@dataclass(frozen=True)
class Account:
    """
    Somebody who pays through BillaBear.

    `since` is how many days ago they came, `pays` how many days there are between their
    payments, 0 for none, and `then` what happened afterwards: how many days ago, and what.
    """

    email: str
    plan: str
    since: float
    pays: float = 0
    then: Sequence[tuple[float, str]] = ()

    def identity(self, kind: str) -> str:
        return str(uuid5(NAMESPACE_URL, f"billabear/{self.email}/{kind}"))

    def who(self, *, is_disabled: bool = False) -> dict[str, Any]:
        key = self.identity("customer")
        return {"id": key, "email": self.email, "brand": "default", "is_disabled": is_disabled}

    def subscription(self, status: str, plan: str = "") -> dict[str, Any]:
        key = self.identity("subscription")
        said = {"id": key, "plan_name": plan or self.plan, "status": status}
        return {"subscription": said, "customer": self.who()}


ACCOUNTS = [
    Account("katherine@orbit.example", "Studio", 29.4, 7, [(16.2, "seats"), (2.2, "seats")]),
    Account("dorothy@vectors.example", "Team", 28.1, 7, [(11.3, "to Studio")]),
    Account("mary@wingspan.example", "Team", 26.05, 2, [(19.4, "card"), (18.9, "seats")]),
    Account("barbara@argus.example", "Studio", 25.2, 5, [(6.7, "overdue"), (5.9, "active")]),
    Account(MIGRATED, "Team", 24.6, 0, [(13.7, "cancelled")]),
    Account("radia@bridges.example", "Studio", 21.15, 3, [(13.1, "seats")]),
    Account("frances@optimizer.example", "Team", 18.1, 6, [(3.6, "pending_cancel")]),
    Account("edsger@shortest.example", "Team", 15.7, 0, [(4.8, "overdue"), (1.9, "unpaid")]),
    Account("mallory@chargeback.example", "Studio", 12.3, 0, [(7.6, "disabled")]),
    Account("niklaus@pascal.example", "Team", 8.12, 4, [(4.5, "paused"), (2.7, "active")]),
    Account("tony@quicksort.example", "Studio", 5.1, 1),
    Account("edgar@relations.example", "Team", 2.07, 1),
]
STATUSES = {
    "active": "active",
    "cancelled": "cancelled",
    "overdue": "overdue_payment_open",
    "paused": "paused",
    "pending_cancel": "pending_cancel",
    "unpaid": "overdue_payment_disabled",
}


def deliveries(
    secret: str, calendar: Calendar, accounts: Sequence[Account] = ACCOUNTS
) -> Iterator[Delivery]:
    """Yield what BillaBear sends of them, with the secret in the URL's userinfo."""
    for account in accounts:
        events = [*_sign_up(account), *_payments(account), *_news(account)]
        for days_ago, event_type, content in events:
            sent = billabear.delivery(calendar.moment(days_ago), event_type, content)
            is_payment = event_type == "payment_received"
            ends = end_of_payment(days_ago) if is_payment else "processed"
            yield billabear.in_userinfo(secret, replace(sent, ends=ends))


def _sign_up(account: Account) -> Iterator[Event]:
    yield account.since, "customer_created", {"customer": account.who()}
    # By its API, BillaBear says it twice.
    yield account.since - 0.0005, "customer_created", {"customer": account.who()}
    if not account.pays:
        yield account.since - 0.001, "trial_started", account.subscription("trial_active")
        yield account.since - 0.0015, "subscription_created", account.subscription("trial_active")
        yield account.since - 0.9, "trial_extended", account.subscription("active")
        yield account.since - 0.902, "payment_received", payment(account, 0)
    else:
        yield account.since - 0.002, "subscription_created", account.subscription("active")


def _payments(account: Account) -> Iterator[Event]:
    if not account.pays:
        return
    for number in range(int(account.since / account.pays) + 1):
        days_ago = account.since - 0.0015 - number * account.pays
        if days_ago > 0:
            yield days_ago, "payment_received", payment(account, number)


def payment(account: Account, number: int) -> dict[str, Any]:
    key = account.identity(f"payment {number}")
    return {"id": key, "customer": account.who(), "amount": PRICES[account.plan]}


def _news(account: Account) -> Iterator[Event]:
    for days_ago, what in account.then:
        yield from _piece(account, days_ago, what)


def _piece(account: Account, days_ago: float, what: str) -> Iterator[Event]:
    """Yield the events of one thing that happened to an account."""
    if what == "seats":
        yield days_ago, "subscription_updated", account.subscription("active")
    elif what == "card":
        yield days_ago, "payment_method_added", {"customer": account.who()}
        yield days_ago - 0.001, "customer_updated", {"customer": account.who()}
    elif what == "disabled":
        yield days_ago, "customer_disabled", {"customer": account.who(is_disabled=True)}
    elif what.startswith("to "):
        # The old plan's name comes first, again.
        yield days_ago, "subscription_created", account.subscription("active")
        changed = account.subscription("active", what.removeprefix("to "))
        yield days_ago - 0.001, "subscription_updated", changed
    else:
        is_end = what in {"cancelled", "pending_cancel"}
        event_type = "subscription_cancelled" if is_end else "subscription_updated"
        yield days_ago, event_type, account.subscription(STATUSES[what])
