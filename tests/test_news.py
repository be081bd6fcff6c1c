"""Which domain signals an event is worth."""

from __future__ import annotations

from typing import Any

import pytest

from billing_webhooks import signals
from billing_webhooks.models import WebhookEvent
from billing_webhooks.providers.billabear import signals as billabear
from billing_webhooks.providers.kinde import signals as kinde
from billing_webhooks.signals import event_processed
from tests.billabear.deliveries import CONTENT
from tests.conftest import Connect, PostBillaBear, PostKinde, at

pytestmark = pytest.mark.django_db(transaction=True)

WHO = {"customer_id": "customer_1"}
SIGN_UP = {**WHO, "agreement_id": "agreement_1", "plan": {"code": "pro", "name": "Pro"}}


@pytest.fixture
def heard(connect: Connect) -> list[tuple[str, dict[str, Any]]]:
    """Every domain signal that was heard, with its arguments."""
    heard: list[tuple[str, dict[str, Any]]] = []
    for name, signal in signals.DOMAIN_SIGNALS.items():

        def hear(name: str = name, **arguments: Any) -> None:
            heard.append((name, arguments))

        connect(signal, hear)
    return heard


def names(heard: list[tuple[str, dict[str, Any]]]) -> list[str]:
    return [name for name, _ in heard]


def test_news__sign_up(heard: list[Any], post_kinde: PostKinde) -> None:
    post_kinde("customer.plan_assigned", SIGN_UP | {"agreement_id": None})
    post_kinde("customer.agreement_created", SIGN_UP)
    assert names(heard) == [
        *("catalogue_changed", "customer_created"),
        # The plan is the agreement's from now on.
        *("customer_changed", "subscription_started"),
    ]


def test_news__a_repeated_fact_is_no_news(heard: list[Any], post_kinde: PostKinde) -> None:
    post_kinde("customer.agreement_created", SIGN_UP)
    heard.clear()
    post_kinde("customer.agreement_created", SIGN_UP)
    assert names(heard) == []


@pytest.mark.parametrize("backwards", [False, True], ids=["in order", "backwards"])
def test_news__an_upgrade_is_one_change_of_plan(
    heard: list[Any], post_kinde: PostKinde, backwards: bool
) -> None:
    deliveries = [
        ("customer.agreement_created", SIGN_UP, at("10:00")),
        ("customer.plan_changed", {**SIGN_UP, "plan": {"code": "max"}}, at("11:00")),
    ]
    for event_type, data, moment in reversed(deliveries) if backwards else deliveries:
        post_kinde(event_type, data, occurred_at=moment)

    [(_, arguments)] = [each for each in heard if each[0] == "plan_changed"]
    assert arguments["subscription"].external_id == "agreement_1"
    assert arguments["customer"].external_id == "customer_1"
    assert arguments["plan"].code == "max"
    assert (arguments["old_plan"] is None) == backwards


def test_news__payment_fails_then_succeeds(heard: list[Any], post_kinde: PostKinde) -> None:
    post_kinde("customer.agreement_created", SIGN_UP)
    heard.clear()
    data = {**SIGN_UP, "payment_id": "payment_1", "amount": 12}
    post_kinde("customer.payment_failed", data, occurred_at=at("10:00"))
    post_kinde("customer.payment_succeeded", data, occurred_at=at("11:00"))

    told = [(name, arguments["payment"].status) for name, arguments in heard if "payment" in name]
    # What a receiver is given is the row as it is, not as it was.
    assert told == [("payment_failed", "failed"), ("payment_succeeded", "succeeded")]


def test_news__late_payment_of_a_cancelled_agreement(
    heard: list[Any], post_kinde: PostKinde
) -> None:
    post_kinde("customer.agreement_created", SIGN_UP, occurred_at=at("10:00"))
    post_kinde("customer.agreement_cancelled", SIGN_UP, occurred_at=at("11:00"))
    assert names(heard)[-1] == "subscription_ended"
    heard.clear()
    post_kinde("customer.payment_succeeded", SIGN_UP, occurred_at=at("12:00"))
    assert "subscription_changed" not in names(heard)


def test_news__usage_and_overdue(heard: list[Any], post_kinde: PostKinde) -> None:
    post_kinde("customer.meter_usage_updated", {**WHO, "meter_id": "calls", "quantity": 0})
    post_kinde("customer.invoice_overdue", {**WHO, "invoice_id": "invoice_1"})
    told = dict(heard)
    assert told["usage_recorded"]["usage"].quantity == 0
    assert told["usage_recorded"]["changes"]["quantity"] == (None, 0)
    assert told["invoice_overdue"]["invoice"].external_id == "invoice_1"


def test_news__trials_and_notices(heard: list[Any], post_billabear: PostBillaBear) -> None:
    customer = {"id": "0b1e5c1e-0000-4000-8000-000000000001", "email": None}
    trial = {"id": "0b1e5c1e-0000-4000-8000-000000000002", "plan_name": "Pro"}
    post_billabear(
        "trial_started", customer=customer, subscription={**trial, "status": "trial_active"}
    )
    post_billabear("trial_extended", customer=customer, subscription={**trial, "status": "active"})
    post_billabear("integration_crm_failure", exception={"message": "no", "code": 7})
    post_billabear(
        "tax_country_threshold_reached",
        country={"name": "Austria", "code": "AT", "threshold": "90000.00"},
    )
    told = dict(heard)
    assert {"trial_started", "trial_ended", "subscription_started"} <= told.keys()
    assert told["integration_failed"]["failure"].code == "7"
    assert told["tax_threshold_reached"]["threshold"].country_code == "AT"


EVERYTHING_OF_KINDE = {
    **SIGN_UP,
    "org_code": "org_1",
    "user_id": "kp_1",
    "email": "ada@example.org",
    "next_billing_date": "2026-04-01",
    "invoice_id": "invoice_1",
    "invoice_due_on": "2026-03-15",
    "payment_id": "payment_1",
    "amount": "12.50",
    "currency": "EUR",
    "meter_id": "calls",
    "quantity": 3,
}
FIRST_EVENTS = [("kinde", each) for each in kinde.SIGNALS] + [
    ("billabear", each) for each in billabear.SIGNALS
]


@pytest.mark.parametrize(("provider", "event_type"), FIRST_EVENTS)
def test_first_event_ever__of_each_type_is_told(
    connect: Connect,
    post_kinde: PostKinde,
    post_billabear: PostBillaBear,
    provider: str,
    event_type: str,
) -> None:
    calls: list[str] = []
    type_signal = {"kinde": kinde, "billabear": billabear}[provider].SIGNALS[event_type]
    for signal in (event_processed, type_signal):
        connect(signal, lambda signal, **arguments: calls.append(signal.name))

    if provider == "kinde":
        post_kinde(event_type, EVERYTHING_OF_KINDE)
    else:
        post_billabear(event_type, **CONTENT[event_type])

    event = WebhookEvent.objects.get()
    assert (event.state, event.last_error) == ("processed", "")
    assert calls == [type_signal.name, "event_processed"]
