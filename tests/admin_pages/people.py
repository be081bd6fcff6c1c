"""Who looks at customers' pages, and customers that are worth looking at."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.contrib import admin
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from billing_webhooks.admin import CustomerAdmin
from billing_webhooks.models import Customer, UsageRecord
from tests.conftest import PostKinde

# Another site than Django's own, which has no pages of events, subscriptions or users.
OWN_SITE = admin.AdminSite(name="own")
OWN_SITE.register(Customer, CustomerAdmin)

PRO = {"code": "pro", "name": "Pro"}


def staff(client: Client, *permissions: str) -> User:
    """Return somebody who is signed in, may view customers, and has these permissions."""
    user = User.objects.create_user("support", is_staff=True)
    names = {"view_customer", *permissions}
    user.user_permissions.set(Permission.objects.filter(codename__in=names))
    client.force_login(user)
    return user


def linking_url(customer: Customer, page: str = "link", user: Any = None) -> str:
    url = reverse(f"admin:billing_webhooks_customer_{page}", args=[customer.pk])
    return url if user is None else f"{url}?user={user.pk}"


def section_of(html: str, name: str) -> str:
    """Return one of the parts of a customer's page, "" if it is not there."""
    return html.partition(f'id="billing-webhooks-{name}"')[2].partition("</section>")[0]


def subscribe(post_kinde: PostKinde, **more: Any) -> Customer:
    """Return Grace, whose agreement an event has made."""
    data = {
        "customer_id": "customer_grace",
        "agreement_id": "agreement_1",
        "user": {"id": "kp_grace", "email": "grace@example.com"},
        "plan": PRO,
    }
    post_kinde("customer.agreement_created", {**data, **more})
    return Customer.objects.get(external_id="customer_grace")


def read(customer: Customer, meter: str, *quantities: Any, first: datetime) -> None:
    """Let a meter of the customer's be read once an hour."""
    for number, quantity in enumerate(quantities):
        UsageRecord.objects.create(
            provider=customer.provider,
            identity=f"{meter} {number}",
            customer=customer,
            meter=meter,
            quantity=quantity,
            occurred_at=first + timedelta(hours=number),
        )
