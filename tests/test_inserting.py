"""Rows that refer to each other, made by one event."""

from __future__ import annotations

import pytest
from django.db import connection

from billing_webhooks.models import Payment, Subscription, WebhookEvent
from tests.conftest import PostKinde

pytestmark = pytest.mark.django_db(transaction=True)

PAID = {"customer_id": "customer_1", "agreement_id": "agreement_1", "payment_id": "payment_1"}


@pytest.mark.parametrize("tells", [True, False], ids=["the database tells the keys", "or not"])
def test_new_rows__refer_to_each_other_whether_or_not_an_insert_tells_their_keys(
    post_kinde: PostKinde, monkeypatch: pytest.MonkeyPatch, tells: bool
) -> None:
    # MySQL does not tell the keys of several rows; the other databases do.
    if not tells:
        monkeypatch.setattr(type(connection.features), "can_return_rows_from_bulk_insert", False)
    elif not connection.features.can_return_rows_from_bulk_insert:
        pytest.skip("this database does not tell the keys of several rows")
    post_kinde("customer.payment_succeeded", PAID)

    event = WebhookEvent.objects.get()
    assert (event.state, event.outcome) == ("processed", "applied")
    payment = Payment.objects.get()
    subscription = Subscription.objects.get()
    assert payment.subscription == subscription
    assert payment.customer == subscription.customer == event.customer is not None
    made = {(change["model"], change["id"]) for change in event.changes if change.get("created")}
    assert made >= {("payment", payment.pk), ("subscription", subscription.pk)}
