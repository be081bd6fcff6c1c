"""Many at once, against a database that really lets many in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connections
from django.db.models import Count, F, Q
from django.test import Client

from billing_webhooks.models import Customer, Payment, Subscription, WebhookEvent
from billing_webhooks.signals import event_processed
from billing_webhooks.sweeping import sweep
from billing_webhooks.testing import KindeIssuer, kinde_event
from tests.conftest import at
from tests.models import Tally

pytestmark = pytest.mark.django_db(transaction=True)

THREADS = 20
SIGN_UP = {"customer_id": "customer_1", "org_code": "org_1", "agreement_id": "agreement_1"}


def at_once(calls: Sequence[Callable[[], Any]]) -> list[Any]:
    """Return what the calls return, made from many threads."""

    def call(function: Callable[[], Any]) -> Any:
        try:
            return function()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(call, calls))


def post(body: bytes) -> Callable[[], int]:
    return lambda: Client().post("/webhooks/kinde", body, content_type="a/jwt").status_code


@pytest.fixture
def counting() -> Iterator[None]:
    Tally.objects.create(name="events")

    def count(**kwargs: Any) -> None:
        Tally.objects.filter(name="events").update(count=F("count") + 1)

    event_processed.connect(count, weak=False, dispatch_uid="counting")
    yield
    event_processed.disconnect(dispatch_uid="counting")


def counted() -> int:
    return Tally.objects.get(name="events").count


def test_duplicates__a_hundred_at_once_are_one_event(issuer: KindeIssuer, counting: None) -> None:
    body = issuer.sign(kinde_event("customer.agreement_created", SIGN_UP))
    assert Counter(at_once([post(body)] * 100)) == {200: 100}
    event = WebhookEvent.objects.get()
    assert (event.deliveries, event.state) == (100, "processed")
    assert Customer.objects.count() == Subscription.objects.count() == 1
    assert counted() == 1


def test_new_customer__a_hundred_events_at_once_make_one(
    issuer: KindeIssuer, counting: None
) -> None:
    # Named in three ways, so the rows of one customer are made by several workers.
    names = [{"customer_id": "customer_1"}, {"org_code": "org_1"}, {}]
    bodies = [
        issuer.sign(
            kinde_event(
                "customer.payment_succeeded",
                {**(names[number % 3] or SIGN_UP), "payment_id": f"payment_{number}"},
                occurred_at=at(f"10:{number % 60:02d}"),
            )
        )
        for number in range(100)
    ]
    assert Counter(at_once([post(body) for body in bodies])) == {200: 100}
    WebhookEvent.objects.filter(state="pending").update(next_attempt_at=at("00:00"))
    sweep()

    assert set(WebhookEvent.objects.values_list("state", flat=True)) == {"processed"}
    customer = Customer.objects.get()
    assert Payment.objects.filter(customer=customer).count() == 100
    assert counted() == 100


def test_workers__many_at_one_backlog_do_everything_once(
    issuer: KindeIssuer, counting: None, settings: Any
) -> None:
    settings.BILLING_WEBHOOKS_DISPATCH = "deferred"
    for number in range(60):
        who = {"customer_id": f"customer_{number % 7}", "plan": {"code": f"plan_{number % 2}"}}
        post(issuer.sign(kinde_event("customer.plan_changed", who)))()
    at_once([sweep] * 10)
    WebhookEvent.objects.filter(state="pending").update(next_attempt_at=at("00:00"))
    sweep()

    assert set(WebhookEvent.objects.values_list("state", flat=True)) == {"processed"}
    assert counted() == 60


def test_organisation__two_customers_at_once_do_not_become_one(issuer: KindeIssuer) -> None:
    for number in range(10):
        organization = {"org_code": f"org_{number}"}
        post(issuer.sign(kinde_event("customer.plan_assigned", organization)))()
        names = [{**organization, "customer_id": f"customer_{number}_{who}"} for who in range(4)]
        bodies = [issuer.sign(kinde_event("customer.plan_assigned", name)) for name in names]
        assert Counter(at_once([post(body) for body in bodies])) == {200: 4}
    WebhookEvent.objects.filter(state="pending").update(next_attempt_at=at("00:00"))
    sweep()

    assert Customer.objects.count() == 40
    names_of_one = Customer.objects.annotate(
        ids=Count("identities", filter=Q(identities__kind="id"))
    ).filter(ids=1)
    assert names_of_one.count() == 40
