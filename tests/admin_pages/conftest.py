"""What the tests of the admin share: who looks at it, and at least one row of every model."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.utils import timezone

from billing_webhooks.models import (
    Customer,
    Heartbeat,
    Invoice,
    Job,
    KeptText,
    Mailbox,
    Payment,
    Plan,
    ReceiverRun,
    Refusal,
    RefusalCount,
    Subscription,
    UsageRecord,
    WebhookEvent,
)
from billing_webhooks.signals import event_processed
from billing_webhooks.sweeping import sweep
from tests.conftest import PostBillaBear, PostKinde
from tests.recorded import recorded

PAGES = [
    WebhookEvent,
    Mailbox,
    ReceiverRun,
    Customer,
    Plan,
    Subscription,
    Payment,
    Invoice,
    UsageRecord,
    Heartbeat,
    KeptText,
    Refusal,
    RefusalCount,
    Job,
]
ADA = "8d1c7f2e-1111-4222-8333-0123456789ab"

every_model = pytest.mark.parametrize("model", PAGES, ids=lambda model: model._meta.model_name)


@pytest.fixture
def superuser(client: Client) -> User:
    user = User.objects.create_superuser("root")
    client.force_login(user)
    return user


@pytest.fixture
def viewer(client: Client) -> User:
    """Somebody of the staff who may view every model, and no payload."""
    user = User.objects.create_user("viewer", is_staff=True)
    names = [f"view_{model._meta.model_name}" for model in PAGES]
    user.user_permissions.set(Permission.objects.filter(codename__in=names))
    client.force_login(user)
    return user


def broken_receiver(**_: Any) -> None:
    raise RuntimeError("<b>the receiver's own fault</b>")


@pytest.fixture
def _receiver() -> Iterator[None]:
    event_processed.connect(broken_receiver)
    yield
    event_processed.disconnect(broken_receiver)


@pytest.fixture
def data(post_kinde: PostKinde, post_billabear: PostBillaBear, _receiver: None) -> None:
    """Events of both providers, and at least one row of every model."""
    recorded("admin", lambda: _make(post_kinde, post_billabear))


def _make(post_kinde: PostKinde, post_billabear: PostBillaBear) -> None:
    post_kinde("customer.agreement_created", agreement())
    post_kinde("customer.payment_succeeded", agreement(payment_id="pay_1", amount="19.90"))
    post_kinde("customer.invoice_overdue", agreement(invoice_id="inv_1", amount=1990))
    post_kinde("customer.meter_usage_updated", agreement(meter_id="seats", quantity=7))
    post_billabear("customer_created", customer={"id": ADA, "email": "ada@example.com"})
    post_billabear("payment_received", id=ADA, amount=1990, customer={"id": ADA})
    post_billabear(
        "integration_crm_failure", exception={"message": "<i>no contact</i>", "code": 404}
    )
    sweep()
    Job.objects.create(action="replay", total=1)
    Refusal.objects.create(provider="kinde", reason="unknown_kid", at=timezone.now(), size=900)
    RefusalCount.objects.create(
        provider="kinde",
        reason="unknown_kid",
        day=timezone.now().date(),
        count=3,
        last_at=timezone.now(),
    )


def agreement(**more: Any) -> dict[str, Any]:
    """Return the data of an event about Grace's agreement."""
    return {
        "customer_id": "customer_grace",
        "agreement_id": "agreement_1",
        "user": {"id": "kp_grace", "email": "grace@example.com"},
        "plan": {"code": "pro", "name": "Pro"},
        **more,
    }
