"""What comes of BillaBear's payments, plans and notices, posted one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from itertools import permutations
from typing import Any

import pytest

from billing_webhooks.models import (
    Customer,
    Payment,
    Plan,
    Subscription,
    WebhookEvent,
)
from billing_webhooks.signals import integration_failed, tax_threshold_reached
from tests.billabear.conftest import Say
from tests.billabear.deliveries import (
    PAYMENT_ID,
    PLAN,
    PLAN_ID,
    subscription,
)
from tests.once import on_one_database

on_one_database()

pytestmark = pytest.mark.django_db

State = WebhookEvent.State
Outcome = WebhookEvent.Outcome


class TestPayments:
    def test_received(self, say: Say) -> None:
        event = say("payment_received")

        row = Payment.objects.get()
        assert (row.external_id, row.status) == (PAYMENT_ID, "succeeded")
        assert (row.amount, row.amount_unit, row.currency) == (Decimal(3000), "minor", None)
        assert row.occurred_at == event.received_at
        assert row.customer == Customer.objects.get()

    def test_sent_again__one_event_one_payment(self, say: Say) -> None:
        first = say("payment_received")
        say("payment_received")

        event = WebhookEvent.objects.get()
        assert (event.pk, event.deliveries) == (first.pk, 2)
        assert Payment.objects.count() == 1

    def test_sent_again_with_another_amount__the_first_stands(self, say: Say) -> None:
        say("payment_received")
        say("payment_received", amount=1)

        assert Payment.objects.get().amount == 3000
        assert WebhookEvent.objects.get().deliveries == 2

    def test_same_amount_other_id__two_payments(self, say: Say) -> None:
        say("payment_received")
        say("payment_received", id=PAYMENT_ID.replace("0", "1"))

        assert Payment.objects.count() == 2

    def test_of_nobody(self, say: Say) -> None:
        event = say("payment_received", customer=None)

        assert event.mailbox == f"billabear:payment:{PAYMENT_ID}"
        assert Payment.objects.get().customer is None
        assert not Customer.objects.exists()

    def test_does_not_revive_a_cancelled_subscription(self, say: Say) -> None:
        say("subscription_cancelled", subscription=subscription("cancelled"))
        say("payment_received")

        assert Subscription.objects.get().status == "cancelled"


class TestPlans:
    def test_created(self, say: Say) -> None:
        say("plan_created")

        row = Plan.objects.get()
        assert (row.external_id, row.code, row.name) == (PLAN_ID, "pro", "Pro")
        assert (row.has_trial, row.trial_days, row.standalone_trial) == (True, 14, False)
        assert not row.is_deleted

    def test_null_code__none(self, say: Say) -> None:
        say("plan_created")
        say("plan_updated", plan=PLAN | {"code": None})

        assert Plan.objects.get().code == ""

    def test_deleted(self, say: Say) -> None:
        say("subscription_created")
        say("plan_deleted")

        row = Subscription.objects.select_related("plan").get()
        assert row.plan is not None
        assert row.plan.is_deleted
        assert row.status == "active"

    @pytest.mark.parametrize(
        "order",
        list(permutations(["subscription_created", "plan_created", "subscription_updated"])),
        ids="-".join,
    )
    def test_known_by_name_and_by_id__one_plan(self, say: Say, order: Sequence[str]) -> None:
        for event_type in order:
            say(event_type)

        plan = Plan.objects.get()
        assert (plan.external_id, plan.code, plan.name) == (PLAN_ID, "pro", "Pro")
        assert Subscription.objects.get().plan == plan

    def test_renamed__still_the_same_plan(self, say: Say) -> None:
        say("plan_created")
        say("subscription_created")
        say("plan_updated", plan=PLAN | {"name": "Professional"})
        say("subscription_updated", subscription=subscription("active", "Professional"))

        plan = Plan.objects.get()
        assert plan.name == "Professional"
        row = Subscription.objects.get()
        assert (row.plan, row.plan_name) == (plan, "Professional")

    def test_renamed__the_old_name_still_means_it(self, say: Say) -> None:
        say("plan_created")
        say("plan_updated", plan=PLAN | {"name": "Professional"})
        say("subscription_created", subscription=subscription("active", "Pro"))

        plan = Plan.objects.get()
        assert plan.name == "Professional"
        assert Subscription.objects.get().plan == plan


class TestNotices:
    def test_usage_warning__is_about_nobody(self, say: Say) -> None:
        event = say("usage_warning_triggered")

        assert (event.state, event.outcome) == (State.PROCESSED, Outcome.NO_EFFECT)
        assert (event.customer, event.changes) == (None, [])

    def test_failure__told_with_its_text(self, say: Say) -> None:
        heard: list[Any] = []

        def listen(sender: object, failure: Any, **kwargs: object) -> None:
            heard.append(failure)

        integration_failed.connect(listen, dispatch_uid="listen")
        try:
            say("integration_crm_failure")
        finally:
            integration_failed.disconnect(dispatch_uid="listen")

        assert [(failure.integration, failure.code) for failure in heard] == [("crm", "422")]

    def test_threshold__told_with_its_number(self, say: Say) -> None:
        heard: list[Any] = []

        def listen(sender: object, threshold: Any, **kwargs: object) -> None:
            heard.append(threshold)

        tax_threshold_reached.connect(listen, dispatch_uid="listen")
        try:
            say("tax_state_threshold_reached")
        finally:
            tax_threshold_reached.disconnect(dispatch_uid="listen")

        assert [(each.state_name, each.threshold) for each in heard] == [("Texas", Decimal(500000))]
