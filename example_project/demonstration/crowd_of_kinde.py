"""What Kinde sends of everybody whose story is not told: so much that one must look for things."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from billing_webhooks.testing import KindeIssuer
from example_project.demonstration import kinde
from example_project.demonstration.calendar import Calendar, spread
from example_project.demonstration.deliveries import Delivery
from example_project.demonstration.outages import end_of_payment

PLANS = {
    "starter": ("Starter", "29.00"),
    "pro": ("Pro", "79.00"),
    "business": ("Business", "199.00"),
}
METERS = ("exports", "api_calls")
# Since then nothing has come: somebody should wonder why.
SILENT_FOR = 1.65
MIGRATED = "mira@papermill.example"

# Days ago, type, data; one event of one customer.
Event = tuple[float, str, Mapping[str, Any]]


@dataclass(frozen=True)
class Account:
    """
    Somebody who pays through Kinde.

    `since` is how many days ago they came, `uses` about how often a day they use each
    meter, and `then` what happened afterwards: how many days ago, and what.
    """

    email: str
    plan: str
    since: float
    uses: int = 0
    is_person: bool = False
    then: Sequence[tuple[float, str]] = ()

    def identity(self, kind: str) -> str:
        return uuid5(NAMESPACE_URL, f"{self.email}/{kind}").hex

    @property
    def who(self) -> dict[str, Any]:
        name = {"user_id": f"kp_{self.identity('user')}"}
        if not self.is_person:
            name = {"org_code": f"org_{self.identity('organization')[:11]}"}
        customer = {"email": self.email}
        return {
            "customer_id": f"customer_{self.identity('customer')}",
            "customer": customer,
            **name,
        }

    def agreement(self, plan: str) -> dict[str, Any]:
        return {"agreement_id": f"agreement_{self.identity(plan)}"}


ACCOUNTS = [
    Account("accounts@tailspin.example", "business", 29.2, uses=900, then=[(3.2, "paid business")]),
    Account("billing@adatum.example", "pro", 28.4, uses=240, then=[(5.1, "up to business")]),
    Account("office@litware.example", "starter", 27.3, uses=60, then=[(12.6, "failed starter")]),
    Account("finance@proseware.example", "pro", 26.7, uses=310, then=[(7.4, "down to starter")]),
    Account("hello@wingtip.example", "starter", 24.1, then=[(8.3, "left starter")]),
    Account("buero@müller-söhne.example", "pro", 22.8, uses=150, then=[(4.4, "overdue pro")]),
    Account("accounts@lamna.example", "pro", 20.9, uses=420, then=[(9.2, "paid pro")]),
    Account("nobody@moved-away.invalid", "starter", 17.2, uses=20),
    Account(MIGRATED, "pro", 13.5, uses=35, is_person=True),
    Account("piet@treyresearch.example", "starter", 9.1, uses=15, is_person=True),
    Account("team@woodgrove.example", "business", 6.3, uses=700, then=[(1.8, "failed business")]),
]
# Nobody can get mail there, so their receipts are given up at once.
UNDELIVERABLE = "nobody@moved-away.invalid"


def deliveries(
    issuer: KindeIssuer, calendar: Calendar, accounts: Sequence[Account] = ACCOUNTS
) -> Iterator[Delivery]:
    """Yield what Kinde sends of them, signed by the issuer."""
    for number, account in enumerate(accounts):
        events = [*_sign_up(account), *_news(account), *_usage(number, account)]
        for days_ago, event_type, data in events:
            occurred_at = calendar.moment(days_ago)
            at = occurred_at + _delay(number, int(days_ago * 100))
            sent = kinde.delivery(issuer, event_type, data, occurred_at, at)
            yield replace(sent, ends=_end(account, days_ago, event_type))


def _end(account: Account, days_ago: float, event_type: str) -> str:
    if not event_type.endswith("payment_succeeded"):
        return "processed"
    return "dead" if account.email == UNDELIVERABLE else end_of_payment(days_ago)


def _delay(*numbers: int) -> timedelta:
    """Return how late an event arrives: seconds, and a few minutes where it is sent again."""
    share = spread(*numbers)
    return timedelta(seconds=3 + 4 * share) if share < 0.96 else timedelta(minutes=10)


def _sign_up(account: Account) -> Iterator[Event]:
    plan = account.plan
    yield account.since, "customer.plan_assigned", account.who | _plan(plan)
    agreement = account.who | _plan(plan) | account.agreement(plan)
    yield account.since - 0.001, "customer.agreement_created", agreement
    yield account.since - 0.002, "customer.payment_succeeded", _payment(account, plan, "first")


def _news(account: Account) -> Iterator[Event]:
    """Yield what came after the sign-up, such as "up to pro" or "failed starter"."""
    for days_ago, words in account.then:
        what, plan = words.split()[0], words.split()[-1]
        yield from {
            "up": _change,
            "down": _change,
            "paid": _paid,
            "failed": _failed,
            "overdue": _overdue,
            "left": _left,
        }[what](account, days_ago, plan)


def _change(account: Account, days_ago: float, plan: str) -> Iterator[Event]:
    old, new = account.agreement(account.plan), account.agreement(plan)
    yield days_ago, "customer.agreement_cancelled", account.who | old
    yield days_ago - 0.0005, "customer.agreement_created", account.who | _plan(plan) | new
    yield days_ago - 0.001, "customer.plan_changed", account.who | _plan(plan) | new
    yield days_ago - 0.002, "customer.payment_succeeded", _payment(account, plan, "changed")


def _paid(account: Account, days_ago: float, plan: str) -> Iterator[Event]:
    yield days_ago, "customer.payment_succeeded", _payment(account, plan, "again")


def _failed(account: Account, days_ago: float, plan: str) -> Iterator[Event]:
    yield days_ago, "customer.payment_failed", _payment(account, plan, "failed")


def _overdue(account: Account, days_ago: float, plan: str) -> Iterator[Event]:
    invoice = {"invoice_id": f"inv_{account.identity('invoice')[:12]}"}
    yield days_ago, "customer.invoice_overdue", _money(account, plan) | invoice


def _left(account: Account, days_ago: float, plan: str) -> Iterator[Event]:
    yield days_ago, "customer.agreement_cancelled", account.who | account.agreement(plan)


def _usage(number: int, account: Account) -> Iterator[Event]:
    """Yield a reading of each meter for most days."""
    meters = METERS[: min(account.uses // 100, 2)] or METERS[:1]
    for meter_number, meter in enumerate(meters if account.uses else ()):
        for day in range(int(account.since), 0, -1):
            days_ago = day + spread(number, meter_number, day) * 0.99
            is_idle = (day + number) % (3 + meter_number) == 0
            if is_idle or not SILENT_FOR < days_ago < account.since:
                continue
            quantity = round(account.uses * (0.5 + spread(day, number, meter_number)))
            reading = {"billing_feature_code": meter, "quantity": quantity}
            agreement = account.agreement(account.plan)
            yield days_ago, "customer.meter_usage_updated", account.who | agreement | reading


def _plan(code: str) -> dict[str, Any]:
    return {"plan": {"code": code, "name": PLANS[code][0]}}


def _money(account: Account, plan: str) -> dict[str, Any]:
    amount = {"amount": PLANS[plan][1], "currency": "EUR"}
    return account.who | account.agreement(plan) | amount


def _payment(account: Account, plan: str, which: str) -> dict[str, Any]:
    return _money(account, plan) | {"payment_id": f"pay_{account.identity(which)[:12]}"}
