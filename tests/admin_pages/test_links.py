"""Pages lead to the rows that belong to theirs."""

from __future__ import annotations

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission, User
from django.db import models
from django.test import Client
from django.urls import resolve

from billing_webhooks.admin import base
from billing_webhooks.admin.rendering import link
from billing_webhooks.models import (
    Customer,
    Invoice,
    Mailbox,
    Payment,
    Plan,
    ReceiverRun,
    Subscription,
    UsageRecord,
    WebhookEvent,
)
from tests.admin_pages.conftest import agreement, every_model
from tests.admin_pages.pages import found, links_of, list_url, page_url, text_of
from tests.conftest import PostKinde
from tests.once import on_one_database

on_one_database()

pytestmark = pytest.mark.django_db


@every_model
def test_links__all_resolve(
    client: Client, superuser: User, data: None, model: type[models.Model]
) -> None:
    row = model._default_manager.all()[0]
    urls = [list_url(model), page_url(row)]
    links = {link for url in urls for link in links_of(text_of(client, url))}

    assert {client.get(link).status_code for link in links} == {200}


@pytest.mark.parametrize(
    ("model", "others"),
    [
        (WebhookEvent, [Customer, Mailbox, Subscription, ReceiverRun, Payment]),
        (ReceiverRun, [WebhookEvent]),
        (Customer, [Plan, Subscription, Payment, Invoice, UsageRecord, WebhookEvent]),
        (Plan, [Customer, Subscription]),
        (Subscription, [Customer, Plan, Payment, Invoice, UsageRecord]),
        (Payment, [Customer, Subscription]),
        (Invoice, [Customer, Subscription]),
        (UsageRecord, [Customer, Subscription]),
    ],
    ids=lambda value: getattr(getattr(value, "_meta", None), "model_name", ""),
)
def test_page__links_to(
    client: Client,
    superuser: User,
    data: None,
    model: type[models.Model],
    others: list[type[models.Model]],
) -> None:
    pages = [text_of(client, page_url(row)) for row in model._default_manager.all()]
    names = {resolve(link.partition("?")[0]).url_name for page in pages for link in links_of(page)}

    assert {f"billing_webhooks_{other._meta.model_name}_change" for other in others} <= names


def test_link__of_a_model_without_a_page(superuser: User) -> None:
    assert link(admin.site, Permission.objects.all()[0]).startswith("Administration")


def test_registers__link_finds_the_event(client: Client, superuser: User, data: None) -> None:
    for row in (Subscription.objects.get(), Customer.objects.get(provider="billabear")):
        html = text_of(client, page_url(row))
        by_event = [link for link in links_of(html) if "q=" in link]
        assert by_event
        assert all(
            len(found(client, WebhookEvent, link[link.index("?") :])) == 1 for link in by_event
        )


def test_customer_page__at_most_a_few_rows_and_a_link_to_all(
    client: Client, superuser: User, post_kinde: PostKinde, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(base, "MAX_RELATED", 2)
    for number in range(3):
        post_kinde("customer.payment_succeeded", agreement(payment_id=f"pay_{number}"))
    html = text_of(client, page_url(Customer.objects.get())).partition("field-payments")[2]

    assert "pay_2" in html
    assert "pay_0" not in html
    [all_of_them] = [link for link in links_of(html) if "payment/?customer" in link]
    assert len(found(client, Payment, all_of_them[all_of_them.index("?") :])) == 3
    assert "All 3 in the list" in html


def test_customer_page__more_than_are_counted(
    client: Client, superuser: User, post_kinde: PostKinde, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(base, "MAX_RELATED", 1)
    monkeypatch.setattr(base, "MAX_COUNTED", 2)
    for number in range(3):
        post_kinde("customer.payment_succeeded", agreement(payment_id=f"pay_{number}"))

    assert "All in the list" in text_of(client, page_url(Customer.objects.get()))
