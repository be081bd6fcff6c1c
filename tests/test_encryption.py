"""Bodies that the database cannot read, and keys that come and go."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.contrib.auth.models import User
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client

from billing_webhooks.encryption import PLAIN, SEALED, Sealed, opened, seal
from billing_webhooks.models import ConflictingDelivery, Customer, WebhookEvent
from billing_webhooks.replaying import replay
from billing_webhooks.sweeping import sweep
from billing_webhooks.testing import billabear_body
from tests.conftest import PostBillaBear
from tests.endpoint.deliveries import send

pytestmark = pytest.mark.django_db

OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key()
ADA = {"id": "8d1c7f2e-1111-4222-8333-0123456789ab", "email": "ada@example.org"}
BODY = billabear_body("customer_created", customer=ADA)


@pytest.fixture
def keys(settings: Any) -> Any:
    def use(*keys: Any) -> None:
        settings.BILLING_WEBHOOKS_ENCRYPTION_KEYS = list(keys)

    return use


def stored(model: type[WebhookEvent | ConflictingDelivery] = WebhookEvent) -> bytes:
    """Return what the database has for a body."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT body FROM {model._meta.db_table}")  # noqa: S608
        return bytes(cursor.fetchone()[0])


def reencrypt() -> str:
    output = StringIO()
    call_command("billing_webhooks", "reencrypt", stdout=output)
    return output.getvalue()


def test_without_keys__stored_as_received(client: Client) -> None:
    send(client, BODY)

    assert stored() == BODY


def test_with_keys__sealed_in_the_database_and_plain_here(client: Client, keys: Any) -> None:
    keys(NEW)
    assert send(client, BODY).status_code == 200

    event = WebhookEvent.objects.get()
    assert (event.state, bytes(event.body)) == ("processed", BODY)
    assert stored().startswith(SEALED)
    assert b"ada" not in stored()
    assert Customer.objects.get().email == "ada@example.org"


def test_contradiction__is_sealed_too(post_billabear: PostBillaBear, keys: Any) -> None:
    keys(NEW)
    for amount in (1, 2):
        post_billabear("payment_received", id=ADA["id"], customer=ADA, amount=amount)

    assert stored(ConflictingDelivery).startswith(SEALED)
    assert b"ada@" in bytes(ConflictingDelivery.objects.get().body)


@pytest.mark.parametrize("configured", [[], [OLD]], ids=["no key", "key"])
@pytest.mark.parametrize(
    "body", [b"", b"{}", b"\0", SEALED, PLAIN, SEALED + b"x", PLAIN + SEALED, b"\xff" * 100]
)
def test_any_body__comes_back_as_it_was(keys: Any, configured: list[str], body: bytes) -> None:
    keys(*configured)

    assert opened(seal(body)) == body


def test_rotation__old_ones_open_and_new_ones_are_sealed_anew(client: Client, keys: Any) -> None:
    keys(OLD)
    send(client, BODY)
    keys(NEW, OLD)
    assert bytes(WebhookEvent.objects.get().body) == BODY
    assert "Wrote 1 bodies anew" in reencrypt()
    keys(NEW)

    assert bytes(WebhookEvent.objects.get().body) == BODY


@pytest.mark.parametrize(
    ("before", "after", "is_sealed"), [([], [OLD], True), ([OLD], [None, OLD], False)]
)
def test_reencrypt__also_begins_and_ends_it(
    client: Client, keys: Any, before: list[Any], after: list[Any], is_sealed: bool
) -> None:
    keys(*before)
    send(client, BODY)
    keys(*after)
    reencrypt()

    assert stored().startswith(SEALED) == is_sealed
    assert bytes(WebhookEvent.objects.get().body) == BODY


def test_missing_key__postponed_and_worked_when_it_is_back(
    client: Client, keys: Any, settings: Any
) -> None:
    settings.BILLING_WEBHOOKS_DISPATCH = "deferred"
    keys(OLD)
    send(client, BODY)
    keys(NEW)
    sweep()

    event = WebhookEvent.objects.get()
    assert event.state == "pending"
    assert "BILLING_WEBHOOKS_ENCRYPTION_KEYS" in event.last_error
    keys(NEW, OLD)
    WebhookEvent.objects.update(next_attempt_at=event.received_at)
    sweep()
    assert WebhookEvent.objects.get().state == "processed"


def test_missing_key__changes_nothing_of_the_row(client: Client, keys: Any) -> None:
    keys(OLD)
    send(client, BODY)
    before = stored()
    keys(NEW)
    event = WebhookEvent.objects.get()
    event.save()

    assert isinstance(event.body, Sealed)
    assert stored() == before
    with pytest.raises(CommandError, match="1 bodies are encrypted with a key"):
        reencrypt()
    assert stored() == before


def test_missing_key__is_told_in_the_admin_and_by_a_replay(client: Client, keys: Any) -> None:
    keys(OLD)
    send(client, b"[]")
    keys(NEW)
    replayed = replay(WebhookEvent.objects.all())
    client.force_login(User.objects.create_superuser("root"))
    event = WebhookEvent.objects.get()
    page = client.get(f"/admin/billing_webhooks/webhookevent/{event.pk}/change/")

    assert replayed.keys == []
    assert "BILLING_WEBHOOKS_ENCRYPTION_KEYS" in page.content.decode()


@pytest.mark.parametrize("key", ["short", b"short", 5, "ü" * 44])
def test_wrong_key__nothing_is_stored_and_the_key_is_not_told(
    client: Client, keys: Any, caplog: pytest.LogCaptureFixture, key: Any
) -> None:
    keys(key)

    assert send(client, BODY).status_code == 503
    assert not WebhookEvent.objects.exists()
    with pytest.raises(ImproperlyConfigured, match="Fernet") as error:
        seal(b"x")
    assert "short" not in str(error.value)
