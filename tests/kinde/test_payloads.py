"""What is kept of a rightly signed payload; tests.catalogue has what is wrong with payloads."""

from __future__ import annotations

import pytest

from billing_webhooks.models import WebhookEvent
from billing_webhooks.testing import KindeIssuer
from tests.kinde.conftest import Deliver
from tests.kinde.events import event

pytestmark = pytest.mark.django_db


def test_unreadable__why_is_kept_with_it(issuer: KindeIssuer, deliver: Deliver) -> None:
    deliver(issuer.sign_bytes(b"[]"))

    stored = WebhookEvent.objects.get()
    assert stored.last_error == "Its payload is no JSON object."
    assert (stored.event_type, stored.external_id, stored.trust) == ("", "", "signed")


@pytest.mark.parametrize("length", [1, 100])
def test_type__up_to_its_column(issuer: KindeIssuer, deliver: Deliver, length: int) -> None:
    assert deliver(issuer.sign(event(type="t" * length))).status_code == 200

    stored = WebhookEvent.objects.get()
    assert (stored.state, stored.outcome) == ("processed", WebhookEvent.Outcome.UNHANDLED)
    assert stored.event_type == "t" * length
