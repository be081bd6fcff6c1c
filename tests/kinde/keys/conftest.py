"""What the tests of the keys share: deliveries that need one, and keys of another tenant."""

from __future__ import annotations

from typing import Any

from billing_webhooks.testing import KindeIssuer, kinde_event
from tests.kinde.deliveries import CHANGED_PLAN, compact

OTHER = KindeIssuer(kid="other")


def genuine(issuer: KindeIssuer) -> bytes:
    return issuer.sign(kinde_event("customer.plan_changed", CHANGED_PLAN))


def of_unknown_kid(issuer: KindeIssuer, kid: str = "nobody's") -> bytes:
    return compact({"alg": "RS256", "kid": kid}, b"{}", issuer.key)


def assert_cannot_decide(response: Any) -> None:
    assert (response.status_code, response.get("Retry-After")) == (503, "30")
