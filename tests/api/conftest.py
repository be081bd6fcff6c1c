"""What the tests of the API share: who asks, and rows of two customers."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.core.cache import cache
from django.test import Client

from billing_webhooks.conf import settings as app_settings
from billing_webhooks.models import Customer
from billing_webhooks.sweeping import sweep
from tests.api.asking import Ask, asking
from tests.conftest import PostBillaBear, PostKinde
from tests.recorded import recorded

VIEW = (
    "view_customer",
    "view_plan",
    "view_subscription",
    "view_payment",
    "view_usagerecord",
    "view_webhookevent",
)
ACT = ("view_webhookevent", "replay_webhookevent", "release_webhookevent")


@pytest.fixture(autouse=True)
def unhurried() -> None:
    """Nobody has asked for anything yet, or one test would be throttled for others."""
    cache.clear()


@pytest.fixture
def data(post_kinde: PostKinde, post_billabear: PostBillaBear, settings: Any) -> None:
    """What two customers have, and an event that is in quarantine."""
    # All of them are worked together, which takes a fraction of the time.
    dispatch, settings.BILLING_WEBHOOKS_DISPATCH = app_settings.DISPATCH, "deferred"
    recorded("api", lambda: _make(post_kinde, post_billabear))
    settings.BILLING_WEBHOOKS_DISPATCH = dispatch


def _make(post_kinde: PostKinde, post_billabear: PostBillaBear) -> None:
    for name in ("ada", "bob"):
        about = {
            "customer_id": f"customer_{name}",
            "agreement_id": f"agreement_{name}",
            "user": {"id": f"kp_{name}", "email": f"{name}@example.org"},
            "plan": {"code": "pro", "name": "Pro"},
        }
        post_kinde("customer.agreement_created", about)
        post_kinde(
            "customer.payment_succeeded", {**about, "payment_id": f"pay_{name}", "amount": "19.90"}
        )
        usage = {**about, "meter_id": "seats", "quantity": 7}
        post_kinde("customer.meter_usage_updated", usage, event_id=f"usage_{name}")
    post_billabear("customer_created", customer="nobody")
    sweep()


@pytest.fixture
def people(data: None) -> dict[str, User | None]:
    """Whoever may ask: nobody, those whose customers these are, and staff who may do more."""
    people: dict[str, User | None] = {"nobody": None}
    for name in ("ada", "bob"):
        people[name] = user = User.objects.create_user(name)
        Customer.objects.get(external_id=f"customer_{name}").link(user)
    for name, permissions in {"staff": (), "viewer": VIEW, "operator": ACT}.items():
        people[name] = _staff(name, *permissions)
    people["root"] = User.objects.create_superuser("root")
    return people


@pytest.fixture
def ask(client: Client) -> Ask:
    """Ask as a superuser."""
    client.force_login(User.objects.create_superuser("asker"))
    return asking(client)


def _staff(name: str, *permissions: str) -> User:
    user = User.objects.create_user(name, is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    return user
