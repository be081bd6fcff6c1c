"""Payments and invoices: their amounts, with what is known of them and nothing guessed."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from billing_webhooks.facts import AmountUnit
from billing_webhooks.models import Customer, Invoice, Payment
from tests.billabear.deliveries import CONTENT
from tests.conftest import PostBillaBear, PostKinde, at
from tests.once import on_one_database

on_one_database()

pytestmark = pytest.mark.django_db

WHO = {"customer_id": "customer_1"}


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ({"amount": "12.5", "currency": "EUR"}, "12.50 EUR (unknown unit)"),
        ({"amount": 1250, "currency": "EUR"}, "1250 EUR (unknown unit)"),
        ({"amount": 12}, "12 (unknown unit)"),
        ({"amount": 0, "currency": None}, "0 (unknown unit)"),
        ({"amount": 1, "currency": "\u202e\x1b"}, r"1 \u202e\x1b (unknown unit)"),
        ({"amount": "a lot", "currency": "EUR"}, "None"),
        ({}, "None"),
    ],
)
def test_money__of_kinde_states_that_its_unit_is_unknown(
    post_kinde: PostKinde, data: dict[str, Any], text: str
) -> None:
    post_kinde("customer.payment_failed", WHO | data)
    post_kinde("customer.invoice_overdue", WHO | data)
    assert str(Payment.objects.get().money) == str(Invoice.objects.get().money) == text


@pytest.mark.parametrize(("amount", "text"), [(3000, "3000 minor units"), (0, "0 minor units")])
def test_money__of_billabear_is_in_minor_units_of_a_currency_it_does_not_say(
    post_billabear: PostBillaBear, amount: int, text: str
) -> None:
    post_billabear("payment_received", **CONTENT["payment_received"] | {"amount": amount})
    payment = Payment.objects.get()
    assert payment.currency is None
    assert str(payment.money) == text


@pytest.mark.parametrize(
    ("unit", "currency", "text"),
    [
        (AmountUnit.MINOR, "USD", "3000 minor units of USD"),
        (AmountUnit.MAJOR, "USD", "3000 USD"),
        (AmountUnit.MAJOR, None, "3000 major units"),
        (AmountUnit.MAJOR, "", "3000 major units"),
    ],
)
def test_money__says_what_is_known(unit: AmountUnit, currency: str | None, text: str) -> None:
    payment = Payment(amount=Decimal("3000.000000"), amount_unit=unit, currency=currency)
    assert str(payment.money) == text


def test_money__is_the_number_as_it_was_sent(post_kinde: PostKinde) -> None:
    post_kinde("customer.payment_failed", WHO | {"amount": "12.345", "currency": "EUR"})
    money = Payment.objects.get().money
    assert money is not None
    assert (money.amount, money.unit, money.currency) == (
        Decimal("12.345"),
        AmountUnit.UNKNOWN,
        "EUR",
    )


def test_payment__retried_under_its_id_is_one(post_kinde: PostKinde) -> None:
    data = {**WHO, "payment_id": "payment_1", "amount": 5}
    post_kinde("customer.payment_failed", data, occurred_at=at("10:00"))
    post_kinde("customer.payment_failed", data, occurred_at=at("12:00"))
    post_kinde("customer.payment_succeeded", data, occurred_at=at("11:00"))
    # What is told last counts, not what arrives last.
    assert [payment.status for payment in Payment.objects.all()] == ["failed"]


def test_payment__without_an_id_is_one_for_each_event(post_kinde: PostKinde) -> None:
    for _ in range(2):
        post_kinde("customer.payment_failed", WHO, event_id="event_" + "1" * 32)
    post_kinde("customer.payment_failed", WHO, event_id="event_" + "2" * 32)
    assert Payment.objects.count() == 2


def test_payment__sent_again_by_billabear_is_one(post_billabear: PostBillaBear) -> None:
    for _ in range(2):
        post_billabear("payment_received", **CONTENT["payment_received"])
    assert Payment.objects.count() == 1


def test_payment__is_the_account_s_in_which_it_was_made(
    settings: Any, post_kinde: PostKinde, post_billabear: PostBillaBear
) -> None:
    content = CONTENT["payment_received"]
    post_billabear("payment_received", **content)
    post_kinde("customer.payment_failed", WHO | {"payment_id": content["id"]})
    assert sorted(Payment.objects.values_list("provider", "status")) == [
        ("billabear", "succeeded"),
        ("kinde", "failed"),
    ]


def test_overdue__are_those_that_nothing_has_paid(post_kinde: PostKinde) -> None:
    for number, time in [(2, "12:00"), (1, "10:00"), (3, "11:00")]:
        data = {**WHO, "invoice_id": f"invoice_{number}"}
        post_kinde("customer.invoice_overdue", data, occurred_at=at(time))
    post_kinde("customer.invoice_overdue", {"customer_id": "customer_2"})
    paid = {**WHO, "invoice_id": "invoice_3"}
    post_kinde("customer.payment_succeeded", paid, occurred_at=at("13:00"))

    ada = Customer.objects.get(external_id="customer_1")
    assert [invoice.external_id for invoice in ada.overdue_invoices()] == ["invoice_1", "invoice_2"]
