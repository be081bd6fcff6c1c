"""Names that arrive one by one, and the rows they turn out to mean."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest
from django.contrib.auth import get_user_model

from billing_webhooks.models import (
    Customer,
    CustomerLink,
    Payment,
    Plan,
    Subscription,
    WebhookEvent,
)
from tests.conftest import PostBillaBear, PostKinde, at
from tests.models import Note

pytestmark = pytest.mark.django_db(transaction=True)

BY_ID = {"customer_id": "customer_1"}
BY_ORGANIZATION = {"org_code": "org_1"}
BY_BOTH = BY_ID | BY_ORGANIZATION


@pytest.mark.parametrize(
    "names",
    [
        (BY_ORGANIZATION, BY_ID, BY_BOTH),
        (BY_ORGANIZATION, BY_BOTH, BY_ID),
        (BY_ID, BY_ORGANIZATION, BY_BOTH),
        (BY_BOTH, BY_ORGANIZATION, BY_ID),
    ],
    ids=["both last", "id last", "organisation second", "both first"],
)
def test_customer__named_by_id_and_by_organisation_is_one(
    post_kinde: PostKinde, names: tuple[dict[str, Any], ...]
) -> None:
    for number, name in enumerate(names):
        post_kinde("customer.payment_succeeded", {**name, "payment_id": f"payment_{number}"})

    customer = Customer.objects.get()
    assert (customer.external_id, customer.organization_code) == ("customer_1", "org_1")
    assert Payment.objects.filter(customer=customer).count() == 3
    assert WebhookEvent.objects.filter(customer=customer).count() == 3


def test_customer__a_second_one_of_an_organisation_stays_a_second_one(
    post_kinde: PostKinde,
) -> None:
    for number in (1, 2):
        who = {"customer_id": f"customer_{number}", "org_code": "org_1"}
        post_kinde("customer.plan_assigned", who, occurred_at=at(f"1{number}:00"))
    post_kinde("customer.payment_succeeded", BY_ORGANIZATION, occurred_at=at("13:00"))

    assert Customer.objects.count() == 2
    # What names the organisation alone belongs to whom it was given last.
    customer = Payment.objects.get().customer
    assert customer is not None
    assert customer.external_id == "customer_2"


@pytest.mark.parametrize("order", list(permutations(range(3))), ids=str)
def test_organisation__of_two_customers_belongs_to_the_last_in_any_order(
    post_kinde: PostKinde, order: tuple[int, ...]
) -> None:
    deliveries = [
        ("customer.agreement_created", BY_BOTH, at("10:00")),
        ("customer.plan_changed", BY_ORGANIZATION | {"customer_id": "customer_2"}, at("11:00")),
        ("customer.payment_failed", BY_ORGANIZATION | {"payment_id": "payment_1"}, at("12:00")),
    ]
    for index in order:
        event_type, data, moment = deliveries[index]
        post_kinde(event_type, data, occurred_at=moment)

    collection = dict(Customer.objects.values_list("external_id", "collection"))
    assert collection == {"customer_1": "", "customer_2": "failed"}
    assert Payment.objects.get().customer == Customer.objects.get(external_id="customer_2")
    told = WebhookEvent.objects.get(event_type="customer.payment_failed")
    assert told.customer == Payment.objects.get().customer


def test_merge__moves_the_projects_own_rows(post_kinde: PostKinde) -> None:
    post_kinde("customer.plan_assigned", BY_ID)
    post_kinde("customer.plan_assigned", BY_ORGANIZATION)
    user = get_user_model().objects.create(username="ada")
    for customer in Customer.objects.all():
        CustomerLink.objects.create(customer=customer, user=user)
        Note.objects.create(customer=customer, text=str(customer))
    post_kinde("customer.plan_assigned", BY_BOTH)

    survivor = Customer.objects.get()
    assert [link.user for link in survivor.links.all()] == [user]
    assert Note.objects.filter(customer=survivor).count() == 2


def test_merge__keeps_the_newer_of_what_both_know(post_kinde: PostKinde) -> None:
    new, old = {"email": "new@example.org"}, {"email": "old@example.org"}
    post_kinde("customer.plan_assigned", BY_ID | old, occurred_at=at("10:00"))
    post_kinde("customer.payment_failed", BY_ORGANIZATION | new, occurred_at=at("11:00"))
    post_kinde("customer.plan_assigned", BY_BOTH, occurred_at=at("09:00"))

    customer = Customer.objects.get()
    assert (customer.email, customer.collection) == ("new@example.org", "failed")


def test_plan__named_by_code_and_by_id_is_one(post_kinde: PostKinde) -> None:
    agreement = {**BY_ID, "agreement_id": "agreement_1"}
    post_kinde("customer.agreement_created", {**agreement, "plan_id": "plan_1"})
    assert Plan.objects.get().code == "plan_1"
    plan = {"id": "plan_1", "code": "pro", "name": "Pro"}
    post_kinde("customer.plan_assigned", {**BY_ID, "plan": plan})

    subscription = Subscription.objects.get()
    assert subscription.plan == Plan.objects.get(code="pro", external_id="plan_1", name="Pro")


def test_plan__given_as_code_or_as_id_is_one(post_kinde: PostKinde) -> None:
    post_kinde("customer.plan_assigned", BY_ID | {"plan": {"code": "pro"}})
    post_kinde("customer.plan_assigned", BY_ID | {"plan_id": "pro"})
    assert Customer.objects.get().plan == Plan.objects.get(code="pro")


def test_accounts__of_one_provider_never_mix(
    post_kinde: PostKinde, issuer: Any, settings: Any, client: Any
) -> None:
    settings.BILLING_WEBHOOKS_PROVIDERS = {
        **settings.BILLING_WEBHOOKS_PROVIDERS,
        "kinde_eu": settings.BILLING_WEBHOOKS_PROVIDERS["kinde"],
    }
    body = issuer.sign({"type": "customer.plan_assigned", "event_id": "event_1", "data": BY_BOTH})
    for alias in ("kinde", "kinde_eu"):
        assert client.post(f"/webhooks/{alias}", body, content_type="a/jwt").status_code == 200

    assert sorted(Customer.objects.values_list("provider", flat=True)) == ["kinde", "kinde_eu"]
    assert WebhookEvent.objects.count() == 2


def test_plan_name__of_a_subscription_that_is_created_again_is_the_old_one(
    post_billabear: PostBillaBear,
) -> None:
    customer = {"id": "0b1e5c1e-0000-4000-8000-000000000001", "email": None}
    subscription = {"id": "0b1e5c1e-0000-4000-8000-000000000011"}
    for event_type, name in (
        ("subscription_created", "Old"),
        ("subscription_updated", "New"),
        ("subscription_created", "Old"),
    ):
        content = {**subscription, "plan_name": name, "status": "active"}
        post_billabear(event_type, customer=customer, subscription=content)
    assert Subscription.objects.get().plan_name == "New"


def test_plan_name__that_passes_to_another_plan(post_billabear: PostBillaBear) -> None:
    old, new = (f"0b1e5c1e-0000-4000-8000-00000000002{number}" for number in (1, 2))
    customer = {"id": "0b1e5c1e-0000-4000-8000-000000000001", "email": None}
    subscription = {"id": "0b1e5c1e-0000-4000-8000-000000000011", "plan_name": "Pro"}
    post_billabear("plan_created", plan={"id": old, "name": "Pro"})
    post_billabear("plan_updated", plan={"id": old, "name": "Pro (until 2025)"})
    post_billabear("plan_created", plan={"id": new, "name": "Pro"})
    post_billabear("subscription_created", customer=customer, subscription=subscription)

    plan = Subscription.objects.get().plan
    assert plan is not None
    assert plan.external_id == new
