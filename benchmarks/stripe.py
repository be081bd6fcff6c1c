"""dj-stripe's endpoint, and signed events that it stores without asking Stripe's API anything."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Iterator
from uuid import UUID

from benchmarks import STRIPE_KEY as KEY
from benchmarks.posts import Post

SECRET = "whsec_" + "0" * 32
# Of a type for which dj-stripe has no handler: the others ask the API for the object.
TYPE = "balance.available"
AMOUNTS = [{"amount": 250_000, "currency": "eur", "source_types": {"card": 250_000}}] * 3


def events() -> Iterator[Post]:
    """Yield one event after another, each signed when it is asked for."""
    endpoint = _endpoint()
    while True:
        body = json.dumps(_event())
        moment = int(time.time())
        proof = hmac.new(SECRET.encode(), f"{moment}.{body}".encode(), hashlib.sha256)
        headers = {
            "Content-Type": "application/json",
            "Stripe-Signature": f"t={moment},v1={proof.hexdigest()}",
        }
        yield Post(f"/stripe/webhook/{endpoint}/", body, headers, TYPE)


def _endpoint() -> UUID:
    """Make the rows that dj-stripe wants, for which it would ask the API otherwise."""
    from djstripe.models import Account, APIKey, WebhookEndpoint

    account = Account.objects.create(id="acct_000000000000000A", livemode=False, stripe_data={})
    APIKey.objects.create(
        secret=KEY,
        type="secret",
        livemode=False,
        djstripe_owner_account=account,
    )
    endpoint = WebhookEndpoint.objects.create(
        id="we_000000000000000000000000",
        livemode=False,
        djstripe_owner_account=account,
        secret=SECRET,
        url="https://example.com/stripe/webhook",
        enabled_events=["*"],
        status="enabled",
    )
    return UUID(str(endpoint.djstripe_uuid))


def _event() -> dict[str, object]:
    balance = dict.fromkeys(("available", "pending", "instant_available"), AMOUNTS)
    return {
        "id": f"evt_{secrets.token_hex(12)}",
        "object": "event",
        "api_version": "2020-08-27",
        "created": int(time.time()),
        "data": {"object": {"object": "balance", "livemode": False, **balance}},
        "livemode": False,
        "pending_webhooks": 1,
        "request": {"id": None, "idempotency_key": None},
        "type": TYPE,
    }
