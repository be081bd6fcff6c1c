"""What happened to a customer, on the customer's page."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import User
from django.test import Client

from billing_webhooks.models import Customer, ReceiverRun, WebhookEvent
from tests.admin_pages.conftest import agreement
from tests.admin_pages.pages import page_url, text_of
from tests.admin_pages.people import section_of, staff, subscribe
from tests.conftest import PostKinde
from tests.once import on_one_database

on_one_database()

pytestmark = pytest.mark.django_db


def timeline(client: Client, customer: Customer, query: str = "") -> str:
    return section_of(text_of(client, page_url(customer) + query), "timeline")


@pytest.mark.usefixtures("_receiver")
def test_timeline__links_to_events_and_runs(
    client: Client, superuser: User, post_kinde: PostKinde
) -> None:
    customer = subscribe(post_kinde)
    customer.link(superuser)
    html = timeline(client, customer)

    assert page_url(WebhookEvent.objects.get()) in html
    assert page_url(ReceiverRun.objects.get()) in html
    assert "linked to user root" in html
    assert "RuntimeError: &lt;b&gt;the receiver&#x27;s own fault" in html


def test_timeline__older_and_newest(client: Client, superuser: User, post_kinde: PostKinde) -> None:
    customer = subscribe(post_kinde)
    for number in range(20):
        post_kinde("customer.payment_succeeded", agreement(payment_id=f"pay_{number}"))
    newest = timeline(client, customer)
    [older] = re.findall(r'href="(\?before=[^"#]+)', newest)
    oldest = timeline(client, customer, older)

    assert "pay_19" in newest
    assert "customer.agreement_created" not in newest
    assert "customer.agreement_created" in oldest
    assert "Newest" in oldest
    assert "Older" not in oldest


@pytest.mark.parametrize(
    "cursor", ["", "x", "%00", "99999999999999999.link.999999999999999999", "1.event.0", "9" * 999]
)
def test_timeline__garbage_for_a_cursor(
    client: Client, superuser: User, post_kinde: PostKinde, cursor: str
) -> None:
    html = timeline(client, subscribe(post_kinde), f"?before={cursor}")
    assert "customer.agreement_created" in html


@pytest.mark.usefixtures("_receiver")
def test_timeline__of_what_its_viewer_may_view(client: Client, post_kinde: PostKinde) -> None:
    customer = subscribe(post_kinde)
    customer.link(User.objects.create_user("secret"))
    staff(client, "view_webhookevent")
    html = timeline(client, customer)

    assert 'class="is-event"' in html
    assert "subscription agreement_1" not in html
    assert "is-run" not in html
    assert "secret" not in html
