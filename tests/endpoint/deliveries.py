"""A delivery of BillaBear's, and a way to send it."""

from __future__ import annotations

from typing import Any

from django.test import Client

from billing_webhooks.testing import billabear_body
from tests.conftest import SECRET, basic

CUSTOMER = {"id": "0b1e5c1e-8a4f-4d0e-9a44-6c0b3d6c2f11", "email": "one@example.org"}
BODY = billabear_body("customer_created", customer=CUSTOMER)
AUTHORIZATION = {"Authorization": basic(SECRET)}


def send(client: Client, body: bytes = BODY, **extra: Any) -> Any:
    headers = {**AUTHORIZATION, **extra.pop("headers", {})}
    return client.generic("POST", "/webhooks/billabear", body, headers=headers, **extra)
