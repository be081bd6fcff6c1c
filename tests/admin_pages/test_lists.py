"""The lists of every model: their rows, search and filters, and what they cost."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import models
from django.test import Client

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
from billing_webhooks.sweeping import sweep
from tests.admin_pages.conftest import ADA, agreement, every_model
from tests.admin_pages.pages import found, list_url, queries_of, text_of
from tests.conftest import PostKinde

pytestmark = pytest.mark.django_db


@every_model
def test_list__with_rows(
    client: Client, superuser: User, data: None, model: type[models.Model]
) -> None:
    assert found(client, model, "")


@pytest.mark.parametrize(
    ("model", "term", "count"),
    [
        (WebhookEvent, "ada@example.com", 2),
        (WebhookEvent, "ADA@example.com", 2),
        (WebhookEvent, ADA, 2),
        (WebhookEvent, "event_of_nobody", 0),
        (WebhookEvent, "customer_grace", 4),
        (WebhookEvent, " ", 7),
        (Mailbox, "kinde:customer", 1),
        (ReceiverRun, "nothing", 0),
        (Customer, "customer_grace", 1),
        (Customer, "ada", 0),
        (Customer, "ada@", 1),
        (Customer, "ADA@EX", 1),
        (Customer, "customer_gr", 1),
        (Customer, "customer_gs", 0),
        (WebhookEvent, "customer_gr", 4),
        (Payment, "pay", 0),
        (Payment, "pay_", 1),
        (Subscription, "agreement_", 1),
        (Plan, "PR", 1),
        (Subscription, "agreement_1", 1),
        (Subscription, "grace@example.com", 1),
        (Payment, "pay_1", 1),
        (Payment, "agreement_1", 1),
        (Invoice, "inv_1", 1),
        (UsageRecord, "grace@example.com", 1),
    ],
    ids=str,
)
def test_search(
    client: Client,
    superuser: User,
    data: None,
    model: type[models.Model],
    term: str,
    count: int,
) -> None:
    assert len(found(client, model, f"?q={term}")) == count


def test_search__by_an_event(client: Client, superuser: User, data: None) -> None:
    event = WebhookEvent.objects.get(event_type="customer.meter_usage_updated")

    for query in (f"?q={event.pk}", f"?q={event.pk.hex}", f"?q={event.external_id}"):
        assert found(client, WebhookEvent, query) == [event]
        assert found(client, ReceiverRun, query) == list(event.runs.all())
    assert found(client, UsageRecord, f"?q={event.external_id}") == [UsageRecord.objects.get()]


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("provider=kinde", 4),
        ("provider=unknown", 0),
        ("event_type=payment_received", 1),
        ("state__exact=pending", 7),
        ("outcome__exact=", 0),
        ("trust__exact=secret", 3),
        ("mailbox__exact=billabear:type:integration_crm_failure", 1),
    ],
)
def test_filter(client: Client, superuser: User, data: None, query: str, count: int) -> None:
    assert len(found(client, WebhookEvent, f"?{query}")) == count


def test_filter__event_types_of_the_chosen_provider(client: Client, superuser: User) -> None:
    html = text_of(client, list_url(WebhookEvent, "?provider=kinde"))

    assert "customer.plan_assigned" in html
    assert "payment_received" not in html


def test_filter__provider_that_cannot_be_built(
    client: Client, superuser: User, settings: Any
) -> None:
    settings.BILLING_WEBHOOKS_PROVIDERS = {"broken": {}}

    assert "?provider=broken" in text_of(client, list_url(WebhookEvent))


@every_model
def test_list__no_more_queries_for_more_rows(
    client: Client,
    superuser: User,
    data: None,
    post_kinde: PostKinde,
    settings: Any,
    model: type[models.Model],
) -> None:
    client.get(list_url(model))
    before = queries_of(client, list_url(model))
    # All of them are worked together, which takes a fraction of the time.
    settings.BILLING_WEBHOOKS_DISPATCH = "deferred"
    for name in ("one", "two", "three"):
        ids = {"customer_id": name, "agreement_id": name, "plan": {"code": name, "name": name}}
        post_kinde("customer.invoice_overdue", agreement(**ids))
        post_kinde("customer.payment_succeeded", agreement(**ids))
        post_kinde("customer.meter_usage_updated", agreement(**ids, meter_id="seats"))
    sweep()
    assert UsageRecord.objects.count() == 4

    assert len(queries_of(client, list_url(model))) == len(before)


@every_model
def test_list__no_large_column_is_read(
    client: Client, superuser: User, data: None, model: type[models.Model]
) -> None:
    sql = " ".join(queries_of(client, list_url(model)))

    assert not re.findall(r'"(body|headers|changes|registers|last_error)"', sql)
