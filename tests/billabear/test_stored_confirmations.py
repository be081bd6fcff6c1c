"""A confirmation is kept, sealed and forgotten as what was sent is."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from django.utils import timezone

from billing_webhooks.encryption import SEALED
from billing_webhooks.erasing import erase
from billing_webhooks.models import Customer, WebhookEvent
from billing_webhooks.pruning import prune
from billing_webhooks.reencrypting import reencrypt
from tests.billabear.api import StandIn
from tests.billabear.conftest import Say, work_off
from tests.billabear.deliveries import CONTENT, CUSTOMER_ID, PAYMENT_ID
from tests.conftest import PostBillaBear

pytestmark = pytest.mark.django_db(transaction=True)

EMAIL = "by-the-api@example.org"


@pytest.fixture
def event(api: StandIn, say_later: Say) -> WebhookEvent:
    """An event whose customer has another address by the API."""
    api.commit()
    api.customers[CUSTOMER_ID]["email"] = EMAIL
    return say_later("customer_updated")


def stored() -> bytes:
    """Return what the database has for the confirmation."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT confirmation FROM billing_webhooks_webhookevent")
        return bytes(cursor.fetchone()[0])


def test_confirmation__is_in_the_shape_of_the_payload(event: WebhookEvent) -> None:
    said = {"id": CUSTOMER_ID, "email": EMAIL, "brand": "default"}

    assert event.confirmed == {"customer": said | {"status": "active", "is_disabled": False}}
    assert stored() == bytes(event.confirmation)


def test_prune__forgets_it(event: WebhookEvent) -> None:
    WebhookEvent.objects.update(received_at=timezone.now() - timedelta(days=9999))

    assert prune() == 1
    assert stored() == b""


def test_erase__forgets_it(event: WebhookEvent) -> None:
    erase(Customer.objects.get())

    assert stored() == b""


def test_erase__finds_who_is_in_it_alone(event: WebhookEvent) -> None:
    WebhookEvent.objects.update(customer=None, mailbox="billabear:type:x", body=b"{}")
    erase(Customer.objects.get())

    assert stored() == b""


def test_keys__seal_it_and_are_rotated(event: WebhookEvent, settings: Any) -> None:
    old, new = Fernet.generate_key(), Fernet.generate_key()
    settings.BILLING_WEBHOOKS_ENCRYPTION_KEYS = [old]
    assert reencrypt().written == 1
    assert stored().startswith(SEALED)
    settings.BILLING_WEBHOOKS_ENCRYPTION_KEYS = [new, old]
    reencrypt()
    settings.BILLING_WEBHOOKS_ENCRYPTION_KEYS = [new]

    confirmed = WebhookEvent.objects.get().confirmed
    assert confirmed is not None
    assert confirmed["customer"]["email"] == EMAIL


def test_key_that_is_missing__told_and_counted(event: WebhookEvent, settings: Any) -> None:
    settings.BILLING_WEBHOOKS_ENCRYPTION_KEYS = [Fernet.generate_key()]
    reencrypt()
    settings.BILLING_WEBHOOKS_ENCRYPTION_KEYS = [Fernet.generate_key()]

    with pytest.raises(ImproperlyConfigured):
        _ = WebhookEvent.objects.get().confirmed
    assert (reencrypt().written, reencrypt().unreadable) == (0, 1)


def test_repeated_payment__keeps_its_confirmation(
    api: StandIn, say_later: Say, post_billabear: PostBillaBear
) -> None:
    api.commit()
    before = say_later("payment_received")
    post_billabear("payment_received", **CONTENT["payment_received"])
    work_off()

    after = WebhookEvent.objects.get()
    assert (after.deliveries, after.trust) == (2, "confirmed")
    assert after.confirmed == before.confirmed
    assert after.payload["id"] == PAYMENT_ID
