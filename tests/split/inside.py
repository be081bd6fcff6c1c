"""Run with `tests.split.settings` by test_split_database: where the rows are."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.db import connections

from billing_webhooks.access import billing_of, users_with_plan
from billing_webhooks.explaining import explain
from billing_webhooks.models import Customer
from tests.conftest import PostBillaBear, PostKinde

pytestmark = pytest.mark.django_db

OURS = {model._meta.db_table for model in apps.get_app_config("billing_webhooks").get_models()}
AGREED = {"customer_id": "customer_1", "agreement_id": "agreement_1", "plan": {"code": "pro"}}
BOB = {"id": "9e1c7f2e-2222-4222-8333-0123456789ab", "email": "bob@example.org"}
SUBSCRIPTION = {"id": "0b1e5c1e-0000-4000-8000-000000000011", "plan_name": "Pro"}


def test_tables__are_on_one_alias_and_the_users_on_another() -> None:
    billing, default = (
        set(connections[alias].introspection.table_names()) for alias in ("billing", "default")
    )
    assert billing >= OURS
    assert not OURS & default
    assert User._meta.db_table in default - billing


def test_user__of_another_database_has_what_both_providers_customers_have(
    post_kinde: PostKinde, post_billabear: PostBillaBear
) -> None:
    post_kinde("customer.agreement_created", AGREED)
    post_billabear(
        "subscription_created", customer=BOB, subscription=SUBSCRIPTION | {"status": "active"}
    )
    user = User.objects.create_user("ada")
    for customer in Customer.objects.all():
        customer.link(user)

    assert billing_of(user).has_plan("pro")
    assert billing_of(user).has_plan("Pro")
    assert not billing_of(user).has_plan("team")
    assert list(users_with_plan("pro")) == [user]
    assert "agreement_1" in str(explain(user, "pro"))
