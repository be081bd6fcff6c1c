"""The rows of a project that has run for more than a year, as many as one likes."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from django.db.models import Field, Model

from billing_webhooks.models import (
    Customer,
    CustomerIdentity,
    Mailbox,
    Payment,
    ReceiverRun,
    Subscription,
    WebhookEvent,
)

PROVIDER = "kinde"
# They have come at an even rate, and those older than a year are pruned but for a few.
SPAN = timedelta(days=420)
RETENTION = timedelta(days=365)
# A twentieth of all events are of the first customer.
BUSY, USUAL = 1, 2
EVENTS_PER_CUSTOMER, FEWEST_CUSTOMERS, MOST_CUSTOMERS = 15, 200, 300_000
PENDING = 200
EVENTS_PER_DEAD, EVENTS_PER_QUARANTINED = 5_000, 20_000
# Every so manieth event.
OF_A_PAYMENT, OF_A_RUN = 5, 5
# In each measurement, and of how many in all.
PRUNED_AT_ONCE, PRUNABLE = 10, 100
# What a provider signs cannot be compressed, so bytes at random are like it.
BODY_LENGTH, BODIES = 1800, 256
TYPES = (
    "user.updated",
    "customer.created",
    "customer.agreement_created",
    "customer.plan_assigned",
    "customer.payment_succeeded",
    "customer.meter_usage_updated",
)
RARE_TYPE, EVENTS_PER_RARE = "customer.invoice_overdue", 9_973
HEADERS = json.dumps({"content-type": "application/jwt", "user-agent": "Kinde-Webhooks/1.0"})


@dataclass(frozen=True)
class Rows:
    """Rows of a model, each with values of the same columns; the others have their defaults."""

    model: type[Model]
    columns: Sequence[str]
    values: Iterator[tuple[Any, ...]]

    @property
    def defaults(self) -> Mapping[str, Any]:
        """The columns that all rows have the same in."""
        fields = self.model._meta.concrete_fields
        return {each.attname: _default(each) for each in fields if each.attname not in self.columns}


@dataclass(frozen=True)
class History:
    """So many events, the last of which has come at `until`, and what they have made."""

    events: int
    until: datetime

    @property
    def customers(self) -> int:
        some = max(self.events // EVENTS_PER_CUSTOMER, FEWEST_CUSTOMERS)
        return min(some, MOST_CUSTOMERS)

    def received_at(self, number: int) -> datetime:
        """Return when an event came; the first is number 0."""
        return self.until - SPAN * ((self.events - number) / self.events)

    def customer_of(self, number: int) -> int:
        # By a prime, because what follows each other is seldom of one customer.
        return BUSY if number % 20 == 0 else 2 + number * 7919 % (self.customers - 1)

    def tables(self) -> Iterator[Rows]:
        """Yield the rows of each table, those that others refer to first."""
        numbers = range(1, self.customers + 1)
        at = ("provider", "created_at", "updated_at")
        yield Rows(
            Customer,
            ("id", "external_id", "email", *at),
            (
                (n, f"kp_{digest(n)[:32]}", f"{digest(n)[:12]}@example.com", *self._same(n))
                for n in numbers
            ),
        )
        yield Rows(
            CustomerIdentity,
            ("id", "provider", "kind", "value", "row_id"),
            ((n, PROVIDER, "id", f"kp_{digest(n)[:32]}", n) for n in numbers),
        )
        yield Rows(
            Subscription,
            ("id", "external_id", "customer_id", "status", *at),
            ((n, f"agreement_{digest(-n)[:32]}", n, "active", *self._same(n)) for n in numbers),
        )
        yield Rows(Mailbox, ("key",), ((mailbox_of(n),) for n in numbers))
        yield Rows(WebhookEvent, EVENT_COLUMNS, self._events())
        yield Rows(Payment, PAYMENT_COLUMNS, self._payments())
        yield Rows(
            ReceiverRun,
            ("id", "event_id", "signal", "receiver", "state", "updated_at"),
            (
                (n + 1, self.key(n), TYPES[1], "project.receivers.told", "succeeded", self._at(n))
                for n in range(0, self.events, OF_A_RUN)
            ),
        )

    def key(self, number: int) -> str:
        """Return the primary key of an event: like ours, in order of arrival."""
        milliseconds = int(self.received_at(number).timestamp() * 1000)
        return f"{milliseconds:012x}7{number % 4096:03x}8{digest(number)[:15]}"

    def _at(self, number: int) -> str:
        return text_of(self.received_at(number))

    def _same(self, customer: int) -> tuple[str, str, str]:
        """Return provider, and when a customer's rows were made and changed: they take turns."""
        changed = self.until - SPAN * (customer / self.customers)
        return PROVIDER, text_of(self.until - SPAN), text_of(changed)

    def _payments(self) -> Iterator[tuple[Any, ...]]:
        for number in range(0, self.events, OF_A_PAYMENT):
            paid, at = digest(number), self._at(number)
            customer = self.customer_of(number)
            yield (number + 1, f"id:{paid}", paid, customer, at, "paid", PROVIDER, at, at)

    def _events(self) -> Iterator[tuple[Any, ...]]:
        random = Random(1)
        bodies = [base64.b64encode(random.randbytes(BODY_LENGTH * 3 // 4)) for _ in range(BODIES)]
        undated = self.until - RETENTION
        pruned = int(self.events * ((SPAN - RETENTION) / SPAN)) - PRUNABLE
        for number in range(self.events):
            customer = self.customer_of(number)
            state = self._state(number)
            is_processed = state == "processed"
            at = self._at(number)
            name = f"event_{digest(number)[:32]}"
            is_rare = number % EVENTS_PER_RARE == 3
            yield (
                self.key(number),
                RARE_TYPE if is_rare else TYPES[number % len(TYPES)],
                name,
                digest(number),
                name,
                mailbox_of(customer),
                at,
                at,
                b"" if number < pruned else bodies[number % BODIES],
                state,
                "applied" if is_processed else "",
                at if state == "pending" else None,
                at if is_processed else None,
                None if state == "pending" else at,
                text_of(undated) if number < pruned and is_processed else None,
                "[]" if number < pruned or not is_processed else CHANGES,
                customer if is_processed else None,
            )

    def _state(self, number: int) -> str:
        if number >= self.events - PENDING:
            return "pending"
        if number % EVENTS_PER_DEAD == 7:
            return "dead"
        return "quarantined" if number % EVENTS_PER_QUARANTINED == 11 else "processed"


PAYMENT_COLUMNS = (
    "id",
    "identity",
    "external_id",
    "customer_id",
    "occurred_at",
    "status",
    "provider",
    "created_at",
    "updated_at",
)
EVENT_COLUMNS = (
    "id",
    "event_type",
    "external_id",
    "idempotency_key",
    "sequence",
    "mailbox",
    "occurred_at",
    "received_at",
    "body",
    "state",
    "outcome",
    "next_attempt_at",
    "applied_at",
    "processed_at",
    "pruned_at",
    "changes",
    "customer_id",
)
CHANGES = json.dumps(
    [
        {
            "model": "subscription",
            "key": ["id", "agreement_4711"],
            "id": USUAL,
            "created": False,
            "fields": {"status": ["active", "past_due"]},
            "signals": ["subscription_past_due"],
        },
        {
            "model": "customer",
            "key": ["id", "kp_815"],
            "id": USUAL,
            "created": False,
            "fields": {},
            "signals": [],
        },
    ]
)


def digest(number: int) -> str:
    return hashlib.sha256(str(number).encode()).hexdigest()


def mailbox_of(customer: int) -> str:
    return f"{PROVIDER}:customer:kp_{digest(customer)[:32]}"


def text_of(moment: datetime) -> str:
    """Return a time as both databases read it where the time zone is UTC."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "microseconds")


def _default(field: Field[Any, Any]) -> Any:
    value = {"provider": PROVIDER, "trust": "signed", "headers": HEADERS}.get(field.attname)
    if value is None:
        value = field.get_default()
    return json.dumps(value) if isinstance(value, dict | list) else value
