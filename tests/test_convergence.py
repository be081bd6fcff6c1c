"""Any order and any duplication of the same events ends in the same rows, and tells the same."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from itertools import permutations
from typing import Any
from uuid import UUID

import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from billing_webhooks import processing
from billing_webhooks.models import Customer, Subscription, WebhookEvent
from billing_webhooks.signals import event_processed
from billing_webhooks.testing import KindeIssuer, kinde_event
from tests.audience import Audience
from tests.conftest import Connect, PostBillaBear, at
from tests.fuzzing.budget import SHARE, budget
from tests.histories import billabear_events, kinde_histories
from tests.outcomes import calls, runs, succeeded
from tests.snapshots import snapshot

pytestmark = pytest.mark.django_db

quick = budget(30)


@contextmanager
def rolled_back() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


# Kinde: signed times, so any order of arrival.


@pytest.fixture
def audience(connect: Connect) -> Audience:
    return Audience(connect, {"hears": [event_processed]})


def outcome() -> dict[str, Any]:
    """Return the rows, and what receivers were told of."""
    assert not WebhookEvent.objects.exclude(state="processed").exists()
    assert calls() == succeeded()
    return {"rows": snapshot(), "runs": runs()}


@pytest.fixture
def play(
    issuer: KindeIssuer, client: Client, audience: Audience
) -> Callable[[Iterable[dict[str, Any]]], Any]:
    """Deliver Kinde events in this order and return what comes of them."""

    def play(events: Iterable[dict[str, Any]]) -> dict[str, Any]:
        with rolled_back():
            for event in events:
                answer = client.post(
                    "/webhooks/kinde", issuer.sign(event), content_type="application/jwt"
                )
                assert answer.status_code == 200
            return outcome()

    return play


@quick
@given(history=kinde_histories, data=st.data())
def test_kinde__any_order_with_duplicates_ends_the_same(
    play: Callable[..., Any], history: list[dict[str, Any]], data: st.DataObject
) -> None:
    repeated = data.draw(st.lists(st.sampled_from(history), max_size=4))
    shuffled = data.draw(st.permutations(history + repeated))
    assert play(shuffled) == play(history)


@budget(5)
@given(history=kinde_histories.filter(lambda history: len(history) <= 3))
def test_kinde__every_order_of_a_few_ends_the_same(
    play: Callable[..., Any], history: list[dict[str, Any]]
) -> None:
    first, *others = [play(order) for order in permutations(history)]
    assert all(other == first for other in others)


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


@pytest.mark.parametrize("order", list(permutations(range(5)))[::SHARE], ids=str)
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


@quick
@given(history=st.lists(billabear_events, min_size=2, max_size=7), data=st.data())
def test_billabear__any_order_of_working_ends_the_same(
    post_billabear: PostBillaBear,
    settings: Any,
    audience: Audience,
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


def work_one_by_one(order: Iterable[UUID]) -> dict[str, Any]:
    with rolled_back():
        WebhookEvent.objects.update(next_attempt_at=timezone.now() + timedelta(days=1))
        for pk in order:
            event = WebhookEvent.objects.filter(pk=pk)
            event.update(next_attempt_at=at("00:00"))
            processing.work(event.get().mailbox)
        return outcome()
