"""Any order and any duplication of the same events ends in the same rows."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from itertools import permutations
from typing import Any
from uuid import UUID

import pytest
from django.db import models, transaction
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from billing_webhooks import processing
from billing_webhooks.models import (
    Customer,
    CustomerIdentity,
    Invoice,
    Payment,
    Plan,
    PlanIdentity,
    Subscription,
    UsageRecord,
    WebhookEvent,
)
from billing_webhooks.testing import KindeIssuer, kinde_event
from tests.conftest import PostBillaBear, at

pytestmark = pytest.mark.django_db

BILLING_MODELS: list[type[models.Model]] = [
    Customer,
    CustomerIdentity,
    Plan,
    PlanIdentity,
    Subscription,
    Payment,
    Invoice,
    UsageRecord,
]
NOT_COMPARED = {"id", "created_at", "updated_at"}

quick = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@contextmanager
def rolled_back() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def snapshot() -> dict[str, list[str]]:
    """Return every billing row without what depends on the database: keys and clocks."""
    return {
        model.__name__: sorted(repr(_columns(row)) for row in model._base_manager.all())
        for model in BILLING_MODELS
    }


def _columns(row: models.Model) -> list[tuple[str, Any]]:
    return [
        (field.name, _natural(getattr(row, field.name)))
        for field in row._meta.concrete_fields
        if field.name not in NOT_COMPARED
    ]


def _natural(value: Any) -> Any:
    if isinstance(value, Customer):
        return (value.external_id, value.organization_code)
    if isinstance(value, Plan):
        return (value.code, value.name)
    if isinstance(value, Subscription):
        return value.external_id
    if isinstance(value, dict):
        return json.dumps(value, sort_keys=True)
    return value


# Kinde: signed times, so any order of arrival.

CUSTOMERS = (
    {"customer_id": "customer_1"},
    {"org_code": "org_1"},
    {"customer_id": "customer_1", "org_code": "org_1"},
    {"customer_id": "customer_2", "user_id": "kp_2"},
    # The same organisation again: it belongs to whom it was given last.
    {"customer_id": "customer_2", "org_code": "org_1"},
)
PLANS: tuple[dict[str, Any], ...] = (
    {},
    {"plan": {"code": "free", "name": "Free"}},
    {"plan": {"code": "pro", "name": "Pro"}},
    {"plan_code": "pro"},
    {"plan": {"code": "pro", "id": "plan_pro", "name": "Professional"}},
    {"plan_id": "plan_pro"},
    {"plan_id": "pro"},
    {"plan": {"code": "max", "id": "plan_pro"}},
)
AGREEMENTS: tuple[dict[str, Any], ...] = (
    {},
    {"agreement_id": "agreement_1"},
    {"agreement": {"id": "agreement_2"}},
)
EXTRAS: tuple[dict[str, Any], ...] = (
    {},
    {"payment_id": "payment_1", "invoice_id": "invoice_1", "amount": 10, "currency": "EUR"},
    {"amount": "12.5", "invoice_due_on": "2026-04-01T00:00:00+00"},
    {"next_billing_date": "2026-05-01", "user": {"email": "ada@example.org"}},
    {"meter_id": "requests", "quantity": 0},
)
TYPES = (
    "customer.plan_created",
    "customer.plan_assigned",
    "customer.plan_changed",
    "customer.agreement_created",
    "customer.agreement_cancelled",
    "customer.payment_succeeded",
    "customer.payment_failed",
    "customer.invoice_overdue",
    "customer.meter_usage_updated",
    "customer.type_of_next_year",
)

kinde_events = st.builds(
    lambda event_type, customer, plan, agreement, extra, minute, number: kinde_event(
        event_type,
        {**customer, **plan, **agreement, **extra},
        occurred_at=at("10:00") + timedelta(minutes=minute),
        event_id=f"event_{number:032x}",
    ),
    st.sampled_from(TYPES),
    st.sampled_from(CUSTOMERS),
    st.sampled_from(PLANS),
    st.sampled_from(AGREEMENTS),
    st.sampled_from(EXTRAS),
    st.integers(0, 4),
    st.integers(1, 10**6),
)
histories = st.lists(kinde_events, min_size=2, max_size=8, unique_by=lambda e: e["event_id"])


@pytest.fixture
def play(issuer: KindeIssuer, client: Client) -> Callable[[Iterable[dict[str, Any]]], Any]:
    """Deliver Kinde events in this order and return the rows that come of them."""

    def play(events: Iterable[dict[str, Any]]) -> dict[str, list[str]]:
        with rolled_back():
            for event in events:
                answer = client.post(
                    "/webhooks/kinde", issuer.sign(event), content_type="application/jwt"
                )
                assert answer.status_code == 200
            assert not WebhookEvent.objects.exclude(state="processed").exists()
            return snapshot()

    return play


@quick
@given(history=histories, data=st.data())
def test_kinde__any_order_with_duplicates_gives_the_same_rows(
    play: Callable[..., Any], history: list[dict[str, Any]], data: st.DataObject
) -> None:
    repeated = data.draw(st.lists(st.sampled_from(history), max_size=4))
    shuffled = data.draw(st.permutations(history + repeated))
    assert play(shuffled) == play(history)


def plan_change() -> list[dict[str, Any]]:
    """Return what an upgrade and the days after it send; the last events are stragglers."""
    who = {"customer_id": "customer_1"}
    old = {**who, "agreement_id": "agreement_1", "plan": {"code": "free", "name": "Free"}}
    new = {**who, "agreement_id": "agreement_2", "plan": {"code": "pro", "name": "Pro"}}
    return [
        kinde_event("customer.agreement_created", old, occurred_at=at("09:00")),
        kinde_event("customer.agreement_cancelled", old, occurred_at=at("10:00")),
        kinde_event("customer.agreement_created", new, occurred_at=at("10:00")),
        kinde_event("customer.plan_changed", {**who, "plan": new["plan"]}, occurred_at=at("10:00")),
        kinde_event("customer.payment_succeeded", old, occurred_at=at("10:05")),
    ]


@pytest.mark.parametrize("order", list(permutations(range(5)))[::5], ids=str)
def test_kinde__a_plan_change_in_any_order_leaves_one_live_agreement(
    issuer: KindeIssuer, client: Client, order: Sequence[int]
) -> None:
    events = plan_change()
    for index in order:
        client.post("/webhooks/kinde", issuer.sign(events[index]), content_type="text/plain")

    status = dict(Subscription.objects.values_list("external_id", "status"))
    assert status == {"agreement_1": "cancelled", "agreement_2": "active"}
    customer = Customer.objects.get()
    assert customer.plan is not None
    assert customer.plan.code == "pro"


# BillaBear: no time is sent, so arrival is the order, whatever is worked first.

ID = "0b1e5c1e-0000-4000-8000-{:012d}".format
BILLABEAR_CUSTOMERS = [
    {"id": ID(1), "email": "ada@example.org", "brand": "default", "is_disabled": False},
    {"id": ID(1), "email": None, "brand": "other", "is_disabled": True},
    {"id": ID(2), "email": "bob@example.org", "brand": "default", "is_disabled": False},
]
billabear_events = st.one_of(
    st.tuples(
        st.sampled_from(["customer_created", "customer_updated", "customer_disabled"]),
        st.builds(lambda customer: {"customer": customer}, st.sampled_from(BILLABEAR_CUSTOMERS)),
    ),
    st.tuples(
        st.sampled_from(
            [
                "subscription_created",
                "subscription_updated",
                "subscription_cancelled",
                "trial_started",
                "trial_extended",
                "trial_ended",
            ]
        ),
        st.builds(
            lambda customer, number, plan, status: {
                "customer": customer,
                "subscription": {"id": ID(number), "plan_name": plan, "status": status},
            },
            st.sampled_from(BILLABEAR_CUSTOMERS),
            st.sampled_from([11, 12]),
            st.sampled_from(["Free", "Pro"]),
            st.sampled_from(["active", "trial_active", "pending_cancel", "cancelled", "new_word"]),
        ),
    ),
    st.tuples(
        st.sampled_from(["plan_created", "plan_updated", "plan_deleted"]),
        st.builds(
            lambda number, name: {
                "plan": {"id": ID(20 + number), "name": name, "code": None, "has_trial": True}
            },
            st.sampled_from([1, 2]),
            st.sampled_from(["Free", "Pro", "Basic"]),
        ),
    ),
    st.tuples(
        st.just("payment_received"),
        st.builds(
            lambda number, customer: {"id": ID(number), "customer": customer, "amount": 3000},
            st.sampled_from([31, 32, 33]),
            st.sampled_from([None, *BILLABEAR_CUSTOMERS]),
        ),
    ),
)


@quick
@given(history=st.lists(billabear_events, min_size=2, max_size=7), data=st.data())
def test_billabear__any_order_of_working_gives_the_same_rows(
    post_billabear: PostBillaBear,
    settings: Any,
    history: list[tuple[str, dict[str, Any]]],
    data: st.DataObject,
) -> None:
    settings.BILLING_WEBHOOKS_DISPATCH = "deferred"
    with rolled_back():
        for event_type, content in history:
            assert post_billabear(event_type, **content).status_code == 200
        stored = list(WebhookEvent.objects.order_by("received_at").values_list("pk", flat=True))
        shuffled = data.draw(st.permutations(stored))

        assert work_one_by_one(shuffled) == work_one_by_one(stored)


def work_one_by_one(order: Iterable[UUID]) -> dict[str, list[str]]:
    with rolled_back():
        WebhookEvent.objects.update(next_attempt_at=timezone.now() + timedelta(days=1))
        for pk in order:
            event = WebhookEvent.objects.filter(pk=pk)
            event.update(next_attempt_at=timezone.now())
            processing.work(event.get().mailbox)
        assert not WebhookEvent.objects.exclude(state="processed").exists()
        return snapshot()
