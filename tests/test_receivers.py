"""Receivers run one by one, are remembered, and do each other no harm."""

from __future__ import annotations

from typing import Any

import pytest
from django.dispatch import receiver

from billing_webhooks import signals
from billing_webhooks.models import Customer, WebhookEvent
from billing_webhooks.providers.kinde import signals as kinde
from billing_webhooks.signals import EventSignal, event_processed
from billing_webhooks.sweeping import sweep
from tests.conftest import Connect, PostKinde, at, make_due
from tests.models import Tally

pytestmark = pytest.mark.django_db(transaction=True)

WHO = {"customer_id": "customer_1"}
SIGN_UP = {**WHO, "agreement_id": "agreement_1", "plan": {"code": "pro", "name": "Pro"}}


def test_receiver__gets_the_event_and_what_it_is_about(
    connect: Connect, post_kinde: PostKinde
) -> None:
    calls: list[dict[str, Any]] = []
    connect(kinde.customer_agreement_created, lambda **arguments: calls.append(arguments))

    post_kinde("customer.agreement_created", SIGN_UP)

    [call] = calls
    assert call["sender"] is WebhookEvent
    assert call["signal"] is kinde.customer_agreement_created
    assert call["event"] == WebhookEvent.objects.get()
    assert call["customer"] == Customer.objects.get()
    assert call["subscription"].plan == call["plan"]
    assert call["payment"] is None
    assert call["changes"]["subscription"]["status"] == (None, "active")


def test_receiver__decorator_and_sender_work_as_django_documents(post_kinde: PostKinde) -> None:
    calls: list[Any] = []

    @receiver(signals.customer_created, sender=WebhookEvent)
    def welcome(sender: Any, event: Any, customer: Any, **kwargs: Any) -> None:
        calls.append(customer.external_id)

    post_kinde("customer.agreement_created", SIGN_UP)
    assert calls == ["customer_1"]


def test_receiver__may_be_async(connect: Connect, post_kinde: PostKinde) -> None:
    calls: list[str] = []

    async def hear(event: WebhookEvent, **kwargs: Any) -> None:
        await Tally.objects.acreate(name="made by an async receiver")
        calls.append(event.event_type)

    connect(event_processed, hear)
    post_kinde("customer.agreement_created", SIGN_UP)
    assert calls == ["customer.agreement_created"]
    assert Tally.objects.exists()


def test_receiver__is_not_run_again_by_a_repeated_delivery(
    connect: Connect, post_kinde: PostKinde
) -> None:
    calls: list[Any] = []
    connect(event_processed, lambda **kwargs: calls.append(kwargs["event"].pk))
    for _ in range(3):
        post_kinde(
            "customer.agreement_created", SIGN_UP, event_id="event_1", occurred_at=at("10:00")
        )
    assert len(calls) == 1


def test_receiver__gets_the_customer_that_its_own_was_merged_into(
    connect: Connect, post_kinde: PostKinde
) -> None:
    told: dict[str, Any] = {}
    is_up = iter([False, False, False, True, True, True])

    def hear(signal: EventSignal, event: WebhookEvent, **arguments: Any) -> None:
        if event.external_id == "event_1":
            if not next(is_up):
                raise ConnectionError
            told[signal.name] = arguments["customer"], event.customer

    for signal in (kinde.customer_plan_assigned, signals.customer_created, event_processed):
        connect(signal, hear)
    organization = {"org_code": "org_1", "plan": {"code": "pro"}}
    post_kinde("customer.plan_assigned", organization, event_id="event_1")
    post_kinde("customer.plan_assigned", WHO)
    merging = post_kinde("customer.plan_assigned", {**WHO, "org_code": "org_1"})
    customer = Customer.objects.get()
    make_due()
    sweep()

    assert merging.status_code == 200
    assert told.keys() == {"kinde.customer_plan_assigned", "customer_created", "event_processed"}
    assert {each for pair in told.values() for each in pair} <= {customer}


def test_receiver__gets_rows_as_they_are_after_the_one_before_it(
    connect: Connect, post_kinde: PostKinde
) -> None:
    told: list[Any] = []
    calls: list[str] = []

    def merge(event: WebhookEvent, **arguments: Any) -> None:
        if not calls:
            calls.append("merge")
            post_kinde("customer.plan_assigned", WHO)
            post_kinde("customer.plan_assigned", {**WHO, "org_code": "org_1"})

    def hear(event: WebhookEvent, customer: Customer, **arguments: Any) -> None:
        if event.external_id == "event_1":
            told.append((customer.external_id, event.customer))

    connect(signals.customer_created, merge, "merge")
    connect(signals.customer_created, hear, "hear")
    connect(event_processed, hear, "hear")
    post_kinde("customer.plan_assigned", {"org_code": "org_1"}, event_id="event_1")

    customer = Customer.objects.get()
    assert told == [("customer_1", customer)] * 2
