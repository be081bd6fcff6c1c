"""Many rows at once are written and read as the ORM would write and read each."""

from __future__ import annotations

from contextlib import nullcontext
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.db.models import F, QuerySet

from billing_webhooks.bulk import Update, select_each, write_each
from billing_webhooks.compiled import Recurring, any_of
from billing_webhooks.models import Customer, CustomerIdentity, Payment, Plan, Subscription

pytestmark = pytest.mark.django_db(transaction=True)

MOMENT = datetime(2026, 4, 1, 10, 30, 15, 123456, tzinfo=UTC)
AMOUNTS = [Decimal("10"), Decimal("-0.000001"), Decimal("123456789.123456"), None]
TEXTS = ['it\'s "quoted" \\ and {braces} 100%', "ÄÖ 漢字 🐻", "", "null"]


@pytest.fixture
def customers() -> list[Customer]:
    rows = [
        Customer(
            provider="kinde",
            external_id=f"customer_{number}",
            email=text,
            is_disabled=number % 2 == 0,
            registers={"id:x": {"email": [str(MOMENT), "by", text]}},
            in_arrears_since=MOMENT if number else None,
        )
        for number, text in enumerate(TEXTS)
    ]
    write_each("default", [rows])
    return rows


@pytest.fixture
def payments(customers: list[Customer]) -> list[Payment]:
    rows = [
        Payment(
            provider="kinde",
            identity=f"id:payment_{number}",
            customer=customers[number],
            amount=amount,
            currency=None if number else "EUR",
            status="succeeded",
            occurred_at=MOMENT,
        )
        for number, amount in enumerate(AMOUNTS)
    ]
    write_each("default", [rows])
    return rows


def called(db: str, *, names: Any) -> QuerySet[Customer]:
    rows = Customer.objects.using(db).annotate(called=F("identities__value"))
    return rows.filter(any_of("identities__value", names))


def every(db: str, model: Any) -> QuerySet[Any]:
    return model.objects.using(db).order_by("-pk")  # type: ignore[no-any-return]


def columns(row: Any) -> dict[str, Any]:
    return {each.attname: getattr(row, each.attname) for each in row._meta.concrete_fields}


def test_inserted__are_what_they_were(customers: list[Customer], payments: list[Payment]) -> None:
    assert [columns(each) for each in Customer.objects.order_by("pk")] == [
        columns(each) for each in customers
    ]
    assert [columns(each) for each in Payment.objects.order_by("pk")] == [
        columns(each) for each in payments
    ]
    assert not payments[0]._state.adding


def test_updated__are_what_was_written(payments: list[Payment]) -> None:
    texts = dict(zip([each.pk for each in payments], TEXTS, strict=True))
    amounts = dict(zip(texts, reversed(AMOUNTS), strict=True))
    rows = [
        (pk, text[:16], amounts[pk], None, MOMENT, {"text": [text, None, True]})
        for pk, text in texts.items()
    ]
    names = ["currency", "amount", "customer", "occurred_at", "registers"]
    write_each("default", [], [Update(Payment, names, rows)])
    for row in Payment.objects.all():
        expected = texts[row.pk]
        assert (row.currency, row.amount) == (expected[:16], amounts[row.pk])
        assert (row.customer, row.occurred_at) == (None, MOMENT)
        assert row.registers == {"text": [expected, None, True]}


def test_selected__are_what_each_query_has(
    customers: list[Customer], payments: list[Payment]
) -> None:
    identity = CustomerIdentity(provider="kinde", kind="id", value="x", row=customers[1])
    write_each("default", [[identity]])
    queries = [
        Recurring(called, (), {"names": ["x"]}),
        Recurring(every, (Plan,)),
        Recurring(every, (Payment,)),
    ]
    with transaction.atomic():
        customer, *found = select_each("default", queries)
    assert columns(customer) == columns(customers[1])
    assert customer.called == "x"
    assert [columns(each) for each in found] == [columns(each) for each in reversed(payments)]
    assert {type(each) for each in found} == {Payment}


@pytest.mark.skipif(connection.vendor == "sqlite", reason="it holds texts of any length")
def test_too_long_a_text__is_an_error_and_not_cut() -> None:
    row = Subscription(provider="kinde", external_id="agreement_1")
    write_each("default", [[row]])
    with pytest.raises(DatabaseError):
        write_each("default", [[Subscription(provider="kinde", external_id="x" * 256)]])
    with pytest.raises(DatabaseError):
        write_each("default", [], [Update(Subscription, ["plan_name"], [(row.pk, "x" * 256)])])


def test_none__is_nothing(django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        write_each("default", [[], []])
        write_each("default", [], [Update(Payment, ["amount"], [])])
        assert list(select_each("default", [])) == []


def test_new_and_old__are_written_together(
    payments: list[Payment], django_assert_num_queries: Any
) -> None:
    new = [Plan(provider="kinde", code=text) for text in TEXTS[1:]]
    subscriptions = [Subscription(provider="kinde", external_id="agreement_1")]
    updates = [
        Update(Payment, ["currency"], [(payments[0].pk, "USD"), (payments[2].pk, "CHF")]),
        Update(Customer, ["email"], [(payments[1].customer_id, "new")]),
    ]
    with django_assert_num_queries(1) if connection.vendor == "postgresql" else nullcontext():
        write_each("default", [new, subscriptions], updates)
    assert [Plan.objects.get(pk=each.pk).code for each in new] == TEXTS[1:]
    assert Subscription.objects.get().pk == subscriptions[0].pk
    assert [each.currency for each in Payment.objects.order_by("pk")] == ["USD", None, "CHF", None]
    assert Customer.objects.get(email="new").pk == payments[1].customer_id
