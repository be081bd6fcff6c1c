"""What comes of BillaBear's events, posted one after the other."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from billing_webhooks.models import (
    Customer,
    Mailbox,
    Plan,
    Subscription,
    WebhookEvent,
)
from billing_webhooks.testing import billabear_body
from tests.billabear.conftest import Say
from tests.billabear.deliveries import (
    CONTENT,
    CUSTOMER,
    CUSTOMER_ID,
    PLAN_ID,
    SUBSCRIPTION_ID,
    subscription,
)

pytestmark = pytest.mark.django_db

State = WebhookEvent.State
Outcome = WebhookEvent.Outcome


def outcomes() -> list[str]:
    return list(WebhookEvent.objects.order_by("received_at").values_list("outcome", flat=True))


@pytest.mark.parametrize("event_type", CONTENT)
def test_genuine_event__processed(say: Say, event_type: str) -> None:
    event = say(event_type)

    assert (event.state, event.attempts, event.last_error) == (State.PROCESSED, 1, "")
    assert event.outcome == (Outcome.APPLIED if event.customer_id else event.outcome)
    assert event.occurred_at == event.received_at
    assert event.payload == {"type": event_type, **CONTENT[event_type]}


@pytest.mark.parametrize(
    ("event_type", "mailbox"),
    [
        ("payment_received", f"billabear:customer:{CUSTOMER_ID}"),
        ("subscription_updated", f"billabear:customer:{CUSTOMER_ID}"),
        ("plan_updated", f"billabear:plan:{PLAN_ID}"),
        ("usage_warning_triggered", "billabear:type:usage_warning_triggered"),
    ],
)
def test_mailbox__of_whom_the_event_is_about(say: Say, event_type: str, mailbox: str) -> None:
    assert say(event_type).mailbox == mailbox
    assert Mailbox.objects.get().key == mailbox


class TestCustomers:
    def test_created_twice__two_events_one_customer(self, say: Say) -> None:
        say("customer_created")
        say("customer_created")

        assert outcomes() == [Outcome.APPLIED, Outcome.NO_EFFECT]
        customer = Customer.objects.get()
        assert (customer.external_id, customer.email) == (CUSTOMER_ID, "customer.one@example.org")
        assert (customer.brand, customer.is_disabled) == ("default", False)

    def test_null_email__none(self, say: Say) -> None:
        say("customer_created")
        say("customer_updated", customer=CUSTOMER | {"email": None})

        assert Customer.objects.get().email == ""

    def test_missing_email__as_before(self, say: Say) -> None:
        say("customer_created")
        say("customer_updated", customer={"id": CUSTOMER_ID})

        assert Customer.objects.get().email == "customer.one@example.org"

    def test_disabled_and_enabled(self, say: Say) -> None:
        say("customer_disabled")
        assert Customer.objects.get().is_disabled

        # The type says it, whatever stands in the customer.
        say("customer_enabled", customer=CUSTOMER | {"is_disabled": True})
        assert not Customer.objects.get().is_disabled

    def test_same_id_under_two_aliases__two_customers(
        self, client: Client, say: Say, settings: Any
    ) -> None:
        settings.BILLING_WEBHOOKS_PROVIDERS = {
            **settings.BILLING_WEBHOOKS_PROVIDERS,
            "second": {
                "BACKEND": "billing_webhooks.providers.billabear.BillaBearProvider",
                "OPTIONS": {"SECRETS": ["the-secret-of-the-second"]},
            },
        }
        say("customer_created")
        body = billabear_body("customer_disabled", **CONTENT["customer_disabled"])
        client.post("/webhooks/second/the-secret-of-the-second", body, content_type="")

        assert Customer.objects.get(provider="billabear").is_disabled is False
        assert Customer.objects.get(provider="second").is_disabled is True


class TestSubscriptions:
    def test_started(self, say: Say) -> None:
        event = say("subscription_created")

        row = Subscription.objects.get()
        assert (row.external_id, row.status) == (SUBSCRIPTION_ID, "active")
        assert (row.provider_status, row.plan_name) == ("active", "Pro")
        assert row.started_at == event.received_at
        assert row.customer == Customer.objects.get()
        assert row.plan == Plan.objects.get()

    def test_upgrade__created_again_with_the_old_plan_is_no_new_start(self, say: Say) -> None:
        first = say("subscription_created", subscription=subscription("active", "Basic"))
        say("payment_received")
        say("subscription_created", subscription=subscription("active", "Basic"))
        say("subscription_updated", subscription=subscription("active", "Pro"))

        row = Subscription.objects.select_related("plan").get()
        assert row.plan is not None
        assert (row.plan_name, row.plan.name, row.status) == ("Pro", "Pro", "active")
        assert row.started_at == first.received_at
        assert outcomes()[2] == Outcome.NO_EFFECT
        assert sorted(Plan.objects.values_list("name", flat=True)) == ["Basic", "Pro"]

    def test_two_equal_seat_changes__two_events(self, say: Say) -> None:
        first = say("subscription_updated")
        second = say("subscription_updated")

        assert first.pk != second.pk
        assert bytes(first.body) == bytes(second.body)
        assert (first.deliveries, second.deliveries) == (1, 1)
        assert (first.idempotency_key, second.idempotency_key) == (None, None)
        assert Subscription.objects.count() == 1

    def test_back_and_forth__the_last_word_stands(self, say: Say) -> None:
        for name in ("Basic", "Pro", "Basic"):
            say("subscription_updated", subscription=subscription("active", name))

        assert outcomes() == [Outcome.APPLIED] * 3
        assert Subscription.objects.get().plan_name == "Basic"

    @pytest.mark.parametrize(
        ("word", "status"), [("pending_cancel", "cancelling"), ("cancelled", "cancelled")]
    )
    def test_cancelled__at_once_or_later(self, say: Say, word: str, status: str) -> None:
        say("subscription_created")
        event = say("subscription_cancelled", subscription=subscription(word))

        row = Subscription.objects.get()
        assert (row.status, row.provider_status) == (status, word)
        assert row.cancelled_at == event.received_at

    def test_cancellation_taken_back(self, say: Say) -> None:
        say("subscription_cancelled")
        say("subscription_updated")

        row = Subscription.objects.get()
        assert (row.status, row.cancelled_at) == ("active", None)

    def test_trial_extended__was_converted(self, say: Say) -> None:
        started = say("trial_started")
        assert Subscription.objects.get().status == "trialing"

        converted = say("trial_extended")
        row = Subscription.objects.get()
        assert row.status == "active"
        assert (row.trial_started_at, row.trial_ended_at) == (
            started.received_at,
            converted.received_at,
        )

    def test_trial_plan__trial_before_subscription(self, say: Say) -> None:
        say("trial_started")
        say("subscription_created", subscription=subscription("trial_active"))

        row = Subscription.objects.get()
        assert row.status == "trialing"
        assert row.started_at is not None

    def test_unknown_status__kept_as_it_is(self, say: Say) -> None:
        say("subscription_created")
        event = say("subscription_updated", subscription=subscription("on_the_moon"))

        row = Subscription.objects.get()
        assert (row.status, row.provider_status) == ("unknown", "on_the_moon")
        assert event.state == State.PROCESSED

    def test_updated_before_created(self, say: Say) -> None:
        say("subscription_updated")
        assert Subscription.objects.get().status == "active"

    def test_of_another_customer_now(self, say: Say) -> None:
        say("subscription_created")
        other = CUSTOMER | {"id": CUSTOMER_ID.replace("0", "1")}
        say("subscription_updated", customer=other)

        row = Subscription.objects.select_related("customer").get()
        assert row.customer is not None
        assert row.customer.external_id == other["id"]
