"""Deliveries as BillaBear makes them: one genuine event of each type."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote, urlsplit

from tests.conftest import basic

CUSTOMER_ID = "0b1e5c1e-8a4f-4d0e-9a44-6c0b3d6c2f11"
SUBSCRIPTION_ID = "5d2c7a90-3b1d-4f6e-8c57-1e9f0a2b3c4d"
PLAN_ID = "9f8e7d6c-5b4a-4392-8171-605f4e3d2c1b"
PAYMENT_ID = "c0ffee00-1234-4abc-9def-0123456789ab"

CUSTOMER: dict[str, Any] = {
    "id": CUSTOMER_ID,
    "email": "customer.one@example.org",
    "brand": "default",
    "is_disabled": False,
}
PLAN: dict[str, Any] = {
    "id": PLAN_ID,
    "name": "Pro",
    "code": "pro",
    "has_trial": True,
    "trial_length_in_days": 14,
    "standalone_trial": False,
}
EXCEPTION: dict[str, Any] = {
    "message": "Client error: `POST https://api.example.org/contacts`",
    "code": 422,
    "request": {"method": "POST", "uri": {}, "body": ""},
    "response": {"status": 422, "body": ""},
}
COUNTRY: dict[str, Any] = {"name": "France", "code": "FR", "threshold": "90000.00"}


def subscription(status: str, plan_name: str = "Pro") -> dict[str, Any]:
    return {"id": SUBSCRIPTION_ID, "plan_name": plan_name, "status": status}


# Event type → what its body holds beside the type.
CONTENT: dict[str, dict[str, Any]] = {
    "payment_received": {"id": PAYMENT_ID, "customer": CUSTOMER, "amount": 3000},
    "customer_created": {"customer": CUSTOMER},
    "customer_updated": {"customer": CUSTOMER},
    "customer_enabled": {"customer": CUSTOMER},
    "customer_disabled": {"customer": CUSTOMER | {"is_disabled": True}},
    "subscription_created": {"subscription": subscription("active"), "customer": CUSTOMER},
    "subscription_updated": {"subscription": subscription("active"), "customer": CUSTOMER},
    "subscription_cancelled": {
        "subscription": subscription("pending_cancel"),
        "customer": CUSTOMER,
    },
    "subscription_paused": {"subscription": subscription("paused"), "customer": CUSTOMER},
    "trial_started": {"subscription": subscription("trial_active"), "customer": CUSTOMER},
    "trial_extended": {"subscription": subscription("active"), "customer": CUSTOMER},
    "trial_ended": {"subscription": subscription("trial_ended"), "customer": CUSTOMER},
    "plan_created": {"plan": PLAN},
    "plan_updated": {"plan": PLAN},
    "plan_deleted": {"plan": PLAN},
    "payment_method_added": {"customer": CUSTOMER},
    "payment_method_deleted": {"customer": CUSTOMER},
    "payment_method_expired": {"customer": CUSTOMER},
    "integration_accounting_failure": {"exception": EXCEPTION},
    "integration_customer_support_failure": {"exception": EXCEPTION},
    "integration_newsletter_failure": {"exception": EXCEPTION},
    "integration_crm_failure": {"exception": EXCEPTION},
    "usage_warning_triggered": {},
    "tax_country_threshold_reached": {"country": COUNTRY},
    "tax_state_threshold_reached": {
        "country": {"name": "United States", "code": "US", "threshold": "0.00"},
        "state": {"name": "Texas", "threshold": "500000.00"},
    },
}


def request_of(url: str) -> tuple[str, dict[str, str]]:
    """Return the path and the headers that BillaBear's HTTP client makes of an endpoint's URL."""
    parts = urlsplit(url)
    path = f"{parts.path}?{parts.query}" if parts.query else parts.path
    if parts.username is None:
        return path, {}
    user, password = unquote(parts.username), unquote(parts.password or "")
    return path, {"Authorization": basic(user, password)}
