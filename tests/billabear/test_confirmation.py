"""What BillaBear's own API says counts more than what somebody with the secret has sent."""

from __future__ import annotations

from typing import Any

import pytest

from billing_webhooks.models import (
    Customer,
    Payment,
    Plan,
    Subscription,
    WebhookEvent,
)
from billing_webhooks.rebuilding import rebuild
from tests.billabear.api import StandIn, payment_row, subscription_row
from tests.billabear.conftest import Say, work_off
from tests.billabear.deliveries import (
    CONTENT,
    CUSTOMER,
    CUSTOMER_ID,
    PAYMENT_ID,
    PLAN,
    PLAN_ID,
    SUBSCRIPTION_ID,
    subscription,
)
from tests.conftest import PostBillaBear

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("few_attempts"),
]

OTHER_ID = "11111111-2222-4333-8444-555555555555"
OF_NO_OBJECT = ("integration_", "tax_", "usage_")


def die(settings: Any) -> WebhookEvent:
    """Work the only event until its attempts are used up."""
    work_off(settings.BILLING_WEBHOOKS_MAX_ATTEMPTS)
    event = WebhookEvent.objects.get()
    assert (event.state, event.outcome, event.applied_at) == ("dead", "", None)
    return event


@pytest.mark.parametrize("event_type", sorted(set(CONTENT) - {"plan_deleted"}))
def test_genuine_event__confirmed(api: StandIn, say_later: Say, event_type: str) -> None:
    api.commit()
    event = say_later(event_type)

    assert (event.state, event.last_error) == ("processed", "")
    is_asked = not event_type.startswith(OF_NO_OBJECT)
    assert event.trust == ("confirmed" if is_asked else "secret")
    assert bool(event.confirmation) == bool(api.requests) == is_asked
    assert event.payload == {"type": event_type, **CONTENT[event_type]}


def test_payment__has_its_currency_from_the_api(api: StandIn, say_later: Say) -> None:
    api.commit()
    say_later("payment_received")

    payment = Payment.objects.get()
    assert payment.amount == 3000
    assert payment.currency == "EUR"


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"id": OTHER_ID}, "knows no such payment"),
        ({"amount": 300_000}, "another amount"),
        ({"customer": None, "id": OTHER_ID}, "knows no such payment"),
        ({"customer": CUSTOMER | {"id": OTHER_ID}}, "knows no such customer (404)"),
    ],
    ids=["id", "amount", "nobody's", "customer"],
)
def test_forged_payment__never_applied(
    api: StandIn,
    post_billabear: PostBillaBear,
    settings: Any,
    said: dict[str, Any],
    reason: str,
) -> None:
    api.commit()
    post_billabear("payment_received", **CONTENT["payment_received"] | said)
    event = die(settings)

    assert reason in event.last_error
    assert not Payment.objects.exists()
    assert not Customer.objects.exists()
    assert not rebuild("billabear").differences


@pytest.mark.parametrize(
    "row", [{"status": "failed"}, {"status": "pending"}, {"status": None}, {"amount": "3000"}]
)
def test_payment_that_was_not_received__never_applied(
    api: StandIn, post_billabear: PostBillaBear, settings: Any, row: dict[str, Any]
) -> None:
    api.commit()
    api.payments[CUSTOMER_ID] = [payment_row(**row)]
    post_billabear("payment_received", **CONTENT["payment_received"])
    die(settings)

    assert not Payment.objects.exists()


def test_payment_of_another_customer__never_applied(
    api: StandIn, post_billabear: PostBillaBear, settings: Any
) -> None:
    api.commit()
    api.customers[OTHER_ID] = {"id": OTHER_ID, "status": "active"}
    thief = CUSTOMER | {"id": OTHER_ID}
    post_billabear("payment_received", id=PAYMENT_ID, amount=3000, customer=thief)

    assert "knows no such payment" in die(settings).last_error
    assert not Payment.objects.exists()


def test_payment_of_nobody__looked_for_among_all(api: StandIn, say_later: Say) -> None:
    api.commit()
    event = say_later("payment_received", customer=None)

    assert (event.state, event.trust) == ("processed", "confirmed")
    assert api.requests == ["/api/v1/payment?limit=100"]


def test_forged_status__is_that_of_the_api(api: StandIn, say_later: Say) -> None:
    api.commit()
    api.subscriptions[CUSTOMER_ID] = [subscription_row("cancelled", "Basic")]
    forged = CUSTOMER | {"email": "mallory@example.org", "is_disabled": True}
    event = say_later("subscription_updated", customer=forged)

    row = Subscription.objects.get()
    assert (row.status, row.provider_status, row.plan_name) == ("cancelled", "cancelled", "Basic")
    customer = Customer.objects.get()
    assert (customer.email, customer.is_disabled) == (CUSTOMER["email"], False)
    assert event.payload["subscription"] == subscription("active")


def test_subscription_of_another_customer__never_applied(
    api: StandIn, post_billabear: PostBillaBear, settings: Any
) -> None:
    api.commit()
    api.customers[OTHER_ID] = {"id": OTHER_ID, "status": "active"}
    content = CONTENT["subscription_updated"] | {"customer": CUSTOMER | {"id": OTHER_ID}}
    post_billabear("subscription_updated", **content)

    assert "knows no such subscription" in die(settings).last_error
    assert not Subscription.objects.exists()


@pytest.mark.parametrize(
    ("event_type", "status", "is_disabled"),
    [("customer_disabled", "active", False), ("customer_enabled", "disabled", True)],
)
def test_forged_switch__is_that_of_the_api(
    api: StandIn, say_later: Say, event_type: str, status: str, is_disabled: bool
) -> None:
    api.commit()
    api.customers[CUSTOMER_ID]["status"] = status
    say_later(event_type)

    assert Customer.objects.get().is_disabled is is_disabled


def test_forged_plan__is_that_of_the_api(api: StandIn, say_later: Say) -> None:
    api.commit()
    say_later("plan_updated", plan=PLAN | {"code": "free", "name": "Free"})

    plan = Plan.objects.get()
    assert (plan.code, plan.name, plan.trial_days) == ("pro", "Pro", 14)


def test_deleted_plan__must_be_gone(api: StandIn, say_later: Say) -> None:
    api.commit()
    event = say_later("plan_deleted")
    assert (event.state, event.last_error) == (
        "pending",
        "BillaBear's API knows the plan still.",
    )
    api.plans = []
    work_off()

    plan = Plan.objects.get()
    assert (plan.external_id, plan.is_deleted) == (PLAN_ID, True)


@pytest.mark.parametrize("event_type", sorted(set(CONTENT) - {"plan_deleted"}))
def test_event_before_the_commit__applied_after_it(
    api: StandIn, post_billabear: PostBillaBear, event_type: str
) -> None:
    post_billabear(event_type, **CONTENT[event_type])
    work_off()
    event = WebhookEvent.objects.get()
    is_asked = not event_type.startswith(OF_NO_OBJECT)
    assert (event.state, event.attempts) == ("pending" if is_asked else "processed", 1)
    api.commit()
    work_off(2)

    event.refresh_from_db()
    assert event.state == "processed"
    assert not rebuild("billabear").differences


def test_change_before_the_commit__waited_for(api: StandIn, post_billabear: PostBillaBear) -> None:
    api.commit()
    change = {"subscription": subscription("paused", "Max")}
    post_billabear("subscription_updated", **CONTENT["subscription_updated"] | change)
    work_off()
    assert not Subscription.objects.exists()
    waits = WebhookEvent.objects.get()
    assert waits.next_attempt_at is not None
    assert (waits.next_attempt_at - waits.received_at).total_seconds() > 4
    api.subscriptions[CUSTOMER_ID] = [subscription_row("paused", "Max")]
    work_off()

    row = Subscription.objects.get()
    assert (row.status, row.plan_name) == ("paused", "Max")


def test_single_attempt__waits_for_nothing(api: StandIn, say_later: Say, settings: Any) -> None:
    settings.BILLING_WEBHOOKS_MAX_ATTEMPTS = 1
    api.commit()

    assert say_later("subscription_cancelled").state == "processed"
    assert Subscription.objects.get().status == "active"


def test_out_of_order__ends_in_what_is(api: StandIn, say_later: Say) -> None:
    api.commit()
    api.subscriptions[CUSTOMER_ID] = [subscription_row("cancelled", "Max")]
    for event_type in ("subscription_cancelled", "subscription_updated", "subscription_created"):
        say_later(event_type)

    row = Subscription.objects.get()
    assert (row.external_id, row.status) == (SUBSCRIPTION_ID, "cancelled")
    assert row.plan_name == "Max"
    assert not rebuild("billabear").differences
