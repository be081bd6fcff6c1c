"""The page of every row, what an event changed, and what a page costs."""

from __future__ import annotations

import re

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import User
from django.db import models
from django.test import Client, RequestFactory

from billing_webhooks.admin import CustomerAdmin
from billing_webhooks.models import (
    ConflictingDelivery,
    Customer,
    CustomerIdentity,
    CustomerLink,
    Mailbox,
    PlanIdentity,
    ReceiverRun,
    UsageRecord,
    WebhookEvent,
)
from tests.admin_pages.conftest import ADA, PAGES, agreement, every_model
from tests.admin_pages.pages import list_url, page_url, queries_of, text_of
from tests.conftest import PostBillaBear, PostKinde
from tests.once import on_one_database

on_one_database()

pytestmark = pytest.mark.django_db


def test_models__all_registered_or_inline() -> None:
    inline = {CustomerIdentity, CustomerLink, PlanIdentity, ConflictingDelivery}

    assert {*PAGES, *inline} == set(apps.get_app_config("billing_webhooks").get_models())
    assert all(admin.site.is_registered(model) for model in PAGES)


@every_model
def test_page__of_every_row(
    client: Client, superuser: User, data: None, model: type[models.Model]
) -> None:
    for row in model._default_manager.all():
        assert str(row) in text_of(client, page_url(row)).replace("&lt;", "<")


def test_admin__overridden_on_another_site(
    client: Client, superuser: User, post_kinde: PostKinde
) -> None:
    class OwnCustomerAdmin(CustomerAdmin):
        empty_value_display = "nobody knows"

    site = admin.AdminSite(name="own")
    site.register(Customer, OwnCustomerAdmin)
    post_kinde("customer.agreement_created", agreement())
    request = RequestFactory().get("/")
    request.user = superuser
    customer = Customer.objects.get()

    page = site.get_model_admin(Customer).change_view(request, str(customer.pk))
    html = page.render().content.decode()  # type: ignore[attr-defined]

    assert "nobody knows" in html
    # What the site does not show is not shown on the pages of others.
    assert "field-payments" not in html


def test_event_page__old_and_new_values(
    client: Client, superuser: User, post_billabear: PostBillaBear
) -> None:
    for email in ("old@example.com", "new@example.com"):
        post_billabear("customer_updated", customer={"id": ADA, "email": email})
    html = text_of(client, page_url(WebhookEvent.objects.all()[0]))

    assert '<td dir="auto">old@example.com</td><td dir="auto">new@example.com</td>' in html
    assert "customer_changed" in html


def test_event_page__nothing_changed(
    client: Client, superuser: User, post_billabear: PostBillaBear
) -> None:
    for _ in range(2):
        post_billabear("customer_updated", customer={"id": ADA, "email": "ada@example.com"})

    assert '<td dir="auto">nothing</td>' in text_of(client, page_url(WebhookEvent.objects.all()[0]))


def test_event_page__changed_row_is_gone(
    client: Client, superuser: User, post_billabear: PostBillaBear
) -> None:
    post_billabear("customer_created", customer={"id": ADA})
    Customer.objects.all().delete()

    assert "(no longer there)" in text_of(client, page_url(WebhookEvent.objects.get()))


def test_event_page__changes_of_another_version(
    client: Client, superuser: User, post_billabear: PostBillaBear
) -> None:
    post_billabear("customer_created", customer={"id": ADA})
    entry = {
        "model": "customer",
        "id": 0,
        "created": False,
        "fields": {"shoe_size": [41, 42], "agreement_cancelled_at": [None, "long ago"]},
        "signals": [],
    }
    WebhookEvent.objects.update(changes=[entry])
    html = text_of(client, page_url(WebhookEvent.objects.get()))

    assert '<td dir="auto">shoe_size</td><td dir="auto">41</td>' in html
    assert "long ago" in html


def test_event_page__receivers_and_their_errors(
    client: Client, superuser: User, data: None
) -> None:
    html = text_of(client, page_url(ReceiverRun.objects.all()[0].event))

    assert "tests.admin_pages.conftest.broken_receiver" in html
    assert "&lt;b&gt;the receiver&#x27;s own fault&lt;/b&gt;" in html


def test_amounts__without_the_zeros_of_the_column(
    client: Client, superuser: User, data: None
) -> None:
    assert "<td>19.90 (unknown unit)</td>" in re.sub(
        r"<td[^>]*>", "<td>", text_of(client, page_url(Customer.objects.get(provider="kinde")))
    )
    assert "seats: 7<" in text_of(client, list_url(UsageRecord))


def test_usage_page__quantity_that_was_no_number(
    client: Client, superuser: User, post_kinde: PostKinde
) -> None:
    post_kinde("customer.meter_usage_updated", agreement(meter_id="seats", quantity="many"))
    html = text_of(client, page_url(UsageRecord.objects.get()))

    assert "seats: ?" in html


def test_customer_page__no_more_queries_for_more_rows(
    client: Client, superuser: User, data: None, post_kinde: PostKinde
) -> None:
    url = page_url(Customer.objects.get(provider="kinde"))
    client.get(url)
    before = queries_of(client, url)
    for number in range(3):
        ids = {"agreement_id": str(number), "plan": {"code": str(number)}}
        post_kinde("customer.agreement_created", agreement(**ids))
        post_kinde("customer.payment_succeeded", agreement(**ids))

    assert len(queries_of(client, url)) == len(before)


def test_mailbox_page__what_is_pending(client: Client, superuser: User, data: None) -> None:
    event = WebhookEvent.objects.filter(provider="billabear")[0]
    html = text_of(client, page_url(Mailbox.objects.get(key=event.mailbox)))

    assert page_url(event) in html
