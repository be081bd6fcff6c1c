"""What goes wrong in this month, for support to find."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from billing_webhooks.testing import KindeIssuer
from example_project.demonstration import billabear, kinde
from example_project.demonstration.calendar import Calendar
from example_project.demonstration.crowd_of_billabear import Account, payment
from example_project.demonstration.deliveries import Delivery

HOSTILE_EMAIL = "\u202e\u200f<script>alert('billing')</script>" + "ö" * 60 + "@evil.example"
HOSTILE_PLAN = "<img src=x onerror=alert(1)>\u202e\u200f" + "endless " * 15
HOSTILE = {
    "customer_id": "customer_0195a1c2e0f17a8b9c0d1e2f3a4b5c6d",
    "org_code": "org_00<b>bold</b>",
    "customer": {"email": HOSTILE_EMAIL, "name": "<script>document.title = 'owned'</script>" * 40},
}
HOSTILE_PURCHASE = HOSTILE | {
    "agreement_id": "agreement_0195a1c3<svg/onload=alert(2)>",
    "plan": {"code": "pro\u202e", "name": HOSTILE_PLAN},
}

EXTRA = Account("grete@logic.example", "Team", 10.2)


def from_kinde(issuer: KindeIssuer, calendar: Calendar) -> Iterator[Delivery]:
    """Yield what arrives at Kinde's URL and makes somebody look."""
    yield from _hostile(issuer, calendar)
    yield from _contradiction(issuer, calendar)
    at = calendar.moment(5.4)
    body = issuer.sign_bytes(b'{"event_id": "event_1", "event_id": "event_2"}')
    story = "Rightly signed, and no event: kept in quarantine"
    yield replace(_post(body, at, story), ends="quarantined")
    stranger = KindeIssuer()
    forger = KindeIssuer(kid=issuer.kid)
    story = "Signed by a key that the tenant does not publish"
    yield _refused(stranger, calendar.moment(0.6), story)
    for days_ago in (23.4, 14.2, 0.9, 0.1):
        yield _refused(forger, calendar.moment(days_ago), "A forged signature")
    at = calendar.moment(11.1)
    claims = {"timestamp": (at - timedelta(days=5)).isoformat()}
    yield _refused(issuer, at, "Signed five days before it comes", **claims)
    large = _post(b"x" * (300 * 1024), calendar.moment(16.3), "Too large to be an event")
    yield replace(large, status=413, is_new=False)


def from_billabear(secret: str, calendar: Calendar) -> Iterator[Delivery]:
    """Yield what arrives at BillaBear's URL and makes somebody look."""
    invoice = Delivery(
        billabear.PATH,
        b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n",
        "(no event)",
        "An invoice, sent to the wrong URL: kept in quarantine",
        calendar.moment(15.2),
        status=400,
        ends="quarantined",
    )
    yield billabear.in_userinfo(secret, invoice)
    yield _mislabelled(secret, calendar)
    yield _unreadable(secret, calendar)
    for days_ago in (27.2, 19.1, 5.05, 1.31, 1.3, 1.29, 0.33):
        story = "A wrong secret: refused"
        content = {"customer": EXTRA.who()}
        sent = billabear.delivery(calendar.moment(days_ago), "customer_updated", content, story)
        guessed = billabear.in_userinfo(f"guess-{days_ago}", sent)
        yield replace(guessed, status=401, is_new=False)


def _mislabelled(secret: str, calendar: Calendar) -> Delivery:
    """Return an event that can be released: it is not compressed, whatever a proxy has said."""
    content = {"customer": EXTRA.who()}
    story = "A proxy calls it compressed, and it is not: release it from quarantine"
    sent = billabear.delivery(calendar.moment(10.2), "customer_created", content, story)
    sent = billabear.in_userinfo(secret, sent)
    headers = {**sent.headers, "Content-Encoding": "gzip"}
    return replace(sent, headers=headers, status=400, ends="quarantined")


def _unreadable(secret: str, calendar: Calendar) -> Delivery:
    """Return an event that nobody can make sense of."""
    content = payment(EXTRA, 0) | {"amount": "19.99"}
    story = "An amount as text: dead, because nobody knows what it means"
    sent = billabear.delivery(calendar.moment(10.1), "payment_received", content, story)
    return replace(billabear.in_userinfo(secret, sent), ends="dead")


def _hostile(issuer: KindeIssuer, calendar: Calendar) -> Iterator[Delivery]:
    """Yield the purchase of somebody whose every name would do harm, if it could."""
    for days_ago, event_type in (
        (3.3, "customer.plan_assigned"),
        (3.299, "customer.agreement_created"),
    ):
        at = calendar.moment(days_ago)
        story = "A customer whose names are scripts"
        yield kinde.delivery(issuer, event_type, HOSTILE_PURCHASE, at, at + kinde.ON_ITS_WAY, story)


def _contradiction(issuer: KindeIssuer, calendar: Calendar) -> Iterator[Delivery]:
    """Yield an event, and another one under its id."""
    at = calendar.moment(6.6)
    late = at + timedelta(minutes=40)
    event_id = "event_0195a1c4b7d27e31a0c5d8e9f1a2b3c4"
    for arrival, amount in ((at + kinde.ON_ITS_WAY, "79.00"), (late, "7900.00")):
        said = kinde.NORTHWIND | {"note": f"credit of {amount} EUR"}
        story = "Two deliveries under one id that say different things"
        sent = kinde.delivery(
            issuer, "customer.credit_noted", said, at, arrival, story, event_id=event_id
        )
        yield replace(sent, is_new=arrival != late)


def _refused(issuer: KindeIssuer, at: datetime, story: str, **claims: str) -> Delivery:
    sent = kinde.delivery(issuer, "customer.plan_changed", kinde.JOAN, at, at, story, **claims)
    return replace(sent, status=401, is_new=False)


def _post(body: bytes, at: datetime, story: str) -> Delivery:
    return Delivery(kinde.PATH, body, "(no event)", story, at, headers=kinde.HEADERS)
