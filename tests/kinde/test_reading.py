"""What Kinde's events say, wherever in the payload they say it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from billing_webhooks.exceptions import NotUnderstood
from billing_webhooks.facts import (
    AmountUnit,
    CustomerFact,
    Fact,
    InvoiceFact,
    Money,
    PaymentFact,
    PlanFact,
    SubscriptionFact,
    UsageFact,
)
from billing_webhooks.providers.kinde import reading
from tests.kinde.deliveries import AGREEMENT_ID, CUSTOMER_ID, payload_of
from tests.kinde.facts import DUE, fact, read
from tests.once import on_one_database

on_one_database()


@dataclass(frozen=True)
class Field:
    """
    One piece of news, and where Kinde may write it, best place first.

    `event_type` says it, `also` is what the event needs beside it, and `found` finds it
    in the facts. `written` are the values to write; what is found must be `meant`.
    """

    event_type: str
    paths: Sequence[str]
    found: Callable[[Sequence[Fact]], Any]
    also: Mapping[str, Any] = field(default_factory=dict)
    written: Sequence[Any] = ("first", "second", "third")
    meant: Sequence[Any] = ("first", "second", "third")


TIMES: dict[str, Any] = {
    "written": ("2026-04-01T12:00:00Z", "2026-04-02T14:00:00+02", "2026-04-03T12:00:00.5+00:00"),
    "meant": (DUE, DUE + timedelta(days=1), DUE + timedelta(days=2, seconds=0.5)),
}
NUMBERS: dict[str, Any] = {
    "written": (0, "19.99", Decimal("2.5")),
    "meant": (Decimal(0), Decimal("19.99"), Decimal("2.5")),
}
CUSTOMER = {"data.customer_id": CUSTOMER_ID}
AGREEMENT = {"data.agreement_id": AGREEMENT_ID}
PERIOD = ("data.next_billing_date", "data.current_period_end")


def money(facts: Sequence[Fact]) -> Money:
    found = fact(PaymentFact, facts).money
    assert found is not None
    return found


FIELDS = {
    "customer": Field(
        "plan_assigned",
        ("data.customer_id", "data.customer.id", "customer_id"),
        lambda facts: fact(CustomerFact, facts).customer.external_id,
    ),
    "customer-of-a-payment": Field(
        "payment_failed",
        ("data.customer_id", "data.customer.id", "customer_id"),
        lambda facts: (
            fact(PaymentFact, facts).customer == fact(CustomerFact, facts).customer
            and fact(CustomerFact, facts).customer.external_id
        ),
    ),
    "organization": Field(
        "plan_assigned",
        ("data.org_code", "data.organization.code"),
        lambda facts: fact(CustomerFact, facts).customer.organization_code,
    ),
    "user": Field(
        "plan_assigned",
        ("data.user_id", "data.user.id"),
        lambda facts: fact(CustomerFact, facts).user_external_id,
        also=CUSTOMER,
    ),
    "e-mail": Field(
        "agreement_created",
        ("data.customer.email", "data.user.email", "data.email"),
        lambda facts: fact(CustomerFact, facts).email,
        also=CUSTOMER,
    ),
    "agreement": Field(
        "agreement_cancelled",
        ("data.agreement_id", "data.agreement.id"),
        lambda facts: fact(SubscriptionFact, facts).external_id,
    ),
    "plan-code": Field(
        "plan_created",
        ("data.plan.code", "data.plan.key", "data.plan_code"),
        lambda facts: fact(PlanFact, facts).plan.code,
    ),
    "plan-id": Field(
        "plan_created",
        ("data.plan_id", "data.plan.id"),
        lambda facts: fact(PlanFact, facts).plan.external_id,
    ),
    "plan-name": Field(
        "plan_created",
        ("data.plan.name", "data.plan_name"),
        lambda facts: fact(PlanFact, facts).name,
        also={"data.plan_id": "plan_1"},
    ),
    "period-end": Field(
        "payment_succeeded",
        ("data.invoice_due_on", *PERIOD),
        lambda facts: fact(SubscriptionFact, facts).current_period_end,
        also=AGREEMENT,
        **TIMES,
    ),
    "period-end-when-money-is-owed": Field(
        "invoice_overdue",
        PERIOD,
        lambda facts: fact(SubscriptionFact, facts).current_period_end,
        also={**AGREEMENT, "data.invoice_due_on": "2026-02-01T00:00:00Z"},
        **TIMES,
    ),
    "due": Field(
        "invoice_overdue",
        ("data.invoice_due_on",),
        lambda facts: fact(InvoiceFact, facts).due_at,
        **TIMES,
    ),
    "invoice": Field(
        "invoice_overdue",
        ("data.invoice_id", "data.invoice.id"),
        lambda facts: fact(InvoiceFact, facts).external_id,
    ),
    "payment": Field(
        "payment_succeeded",
        ("data.payment_id", "data.payment.id"),
        lambda facts: fact(PaymentFact, facts).external_id,
    ),
    "amount": Field(
        "payment_succeeded",
        ("data.amount", "data.payment.amount", "data.invoice.amount"),
        lambda facts: money(facts).amount,
        **NUMBERS,
    ),
    "currency": Field(
        "payment_succeeded",
        ("data.currency", "data.payment.currency", "data.invoice.currency"),
        lambda facts: money(facts).currency,
        also={"data.amount": 1},
    ),
    "meter": Field(
        "meter_usage_updated",
        ("data.meter_id", "data.billing_feature_code", "data.feature_code"),
        lambda facts: fact(UsageFact, facts).meter,
    ),
    "quantity": Field(
        "meter_usage_updated",
        ("data.quantity", "data.meter_value"),
        lambda facts: fact(UsageFact, facts).quantity,
        **NUMBERS,
    ),
}

EACH_PATH = pytest.mark.parametrize(
    ("name", "place"),
    [
        pytest.param(name, place, id=f"{name}-{path}")
        for name, each in FIELDS.items()
        for place, path in enumerate(each.paths)
    ],
)


@EACH_PATH
def test_field__read_from_each_place(name: str, place: int) -> None:
    here = FIELDS[name]
    payload = payload_of({**here.also, here.paths[place]: here.written[place]})

    assert here.found(read(here.event_type, payload)) == here.meant[place]


@EACH_PATH
def test_field__best_place_wins(name: str, place: int) -> None:
    here = FIELDS[name]
    places = dict(zip(here.paths[place:], here.written[place:], strict=False))

    assert (
        here.found(read(here.event_type, payload_of({**here.also, **places})))
        == (here.meant[place])
    )


@pytest.mark.parametrize("nothing", [None, True, ["x"], {}, {"x": "y"}], ids=repr)
@EACH_PATH
def test_field__null_and_other_types_passed_over(name: str, place: int, nothing: Any) -> None:
    here = FIELDS[name]
    better = dict.fromkeys(here.paths[:place], nothing)
    payload = payload_of({**better, **here.also, here.paths[place]: here.written[place]})

    assert here.found(read(here.event_type, payload)) == here.meant[place]


@pytest.mark.parametrize("number", [0, 7, -1, 10**20])
def test_number_as_id__is_text(number: int) -> None:
    facts = read("plan_assigned", {"data": {"customer_id": number}})

    assert fact(CustomerFact, facts).customer.external_id == str(number)


@pytest.mark.parametrize("path", reading.CUSTOMER_ID + reading.ORGANIZATION + reading.PLAN_CODE)
@pytest.mark.parametrize("value", ["x" * 256, "a\0b", "a\ud800", 10**256])
def test_id_that_cannot_be_kept_whole__not_understood(path: str, value: Any) -> None:
    with pytest.raises(NotUnderstood, match="too long or has forbidden characters"):
        read("plan_assigned", payload_of({path: value}))


def test_longest_id__kept_whole() -> None:
    facts = read("plan_assigned", {"data": {"customer_id": "é" * 255}})

    assert fact(CustomerFact, facts).customer.external_id == "é" * 255


AMOUNTS: dict[str, tuple[Any, str | None]] = {
    "int": (3000, "3000"),
    "zero": (0, "0"),
    "negative": (-5, "-5"),
    "float": (Decimal("19.99"), "19.99"),
    "text": ("19.99", "19.99"),
    "text-zero": ("0", "0"),
    "text-exponent": ("1e3", "1000"),
    "text-plus": ("+1", "1"),
    "too-fine": ("0.1234567", "0.123457"),
    "largest": (10**18 - 2, "999999999999999998"),
    "too-large": (10**18, None),
    "too-large-when-rounded": ("999999999999999999.9999999", None),
    "too-small-when-rounded": ("-999999999999999999.9999999", None),
    "smallest": (2 - 10**18, "-999999999999999998"),
    "huge": (10**400, None),
    "text-huge": ("9e99", None),
    "text-comma": ("19,99", None),
    "text-currency": ("$19.99", None),
    "text-spaces": (" 1 ", None),
    "text-underscore": ("1_000", None),
    "text-other-digits": ("\u0661\u0662", None),
    "text-nan": ("NaN", None),
    "text-infinity": ("Infinity", None),
    "text-long": ("1" * 10_000, None),
    "text-newline": ("1\n", None),
    "empty": ("", None),
    "true": (True, None),
    "list": ([1], None),
}


@pytest.mark.parametrize(("sent", "meant"), AMOUNTS.values(), ids=AMOUNTS.keys())
def test_amount__exact_or_not_at_all(sent: Any, meant: str | None) -> None:
    payment = fact(PaymentFact, read("payment_succeeded", {"data": {"amount": sent}}))

    assert payment.money == (None if meant is None else Money(Decimal(meant), AmountUnit.UNKNOWN))


@pytest.mark.parametrize(("sent", "meant"), AMOUNTS.values(), ids=AMOUNTS.keys())
def test_quantity__exact_or_not_at_all(sent: Any, meant: str | None) -> None:
    usage = fact(UsageFact, read("meter_usage_updated", {"data": {"quantity": sent}}))

    assert usage.quantity == (None if meant is None else Decimal(meant))


def test_currency__cut_to_its_column() -> None:
    payment = fact(
        PaymentFact, read("payment_succeeded", {"data": {"amount": 1, "currency": "c" * 300}})
    )

    assert payment.money == Money(Decimal(1), AmountUnit.UNKNOWN, "c" * 16)


DATES: dict[str, datetime | None] = {
    "2026-04-01T12:00:00Z": DUE,
    "2026-04-01T14:00:00.000000000+02:00": DUE,
    "2026-04-01T12:00:00+00": DUE,
    "2026-04-01T23:00:00+11": DUE,
    "2026-04-01 12:00:00": DUE,
    "2026-04-01": datetime(2026, 4, 1, tzinfo=UTC),
    "": None,
    "soon": None,
    "0001-01-01T00:00:00Z": None,
    "9999-12-31T23:59:59Z": None,
    "2026-02-30": None,
}


@pytest.mark.parametrize(("sent", "meant"), DATES.items(), ids=DATES.keys())
def test_date__aware_utc_or_none(sent: str, meant: datetime | None) -> None:
    invoice = fact(InvoiceFact, read("invoice_overdue", {"data": {"invoice_due_on": sent}}))

    assert invoice.due_at == meant
    assert meant is None or (invoice.due_at and invoice.due_at.utcoffset() == timedelta())
