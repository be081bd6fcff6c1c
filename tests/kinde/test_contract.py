from __future__ import annotations

from dataclasses import replace

import pytest

from billing_webhooks.testing import KindeIssuer, kinde_event
from tests.contract import Post, ProviderContract
from tests.kinde.deliveries import CHANGED_PLAN, changed_byte


class TestKindeContract(ProviderContract):
    @pytest.fixture
    def genuine(self, issuer: KindeIssuer) -> Post:
        claims = kinde_event("customer.plan_changed", CHANGED_PLAN)
        return Post("/webhooks/kinde", issuer.sign(claims), content_type="application/jwt")

    @pytest.fixture
    def of_unknown_type(self, issuer: KindeIssuer) -> Post:
        claims = kinde_event("customer.moved_to_the_moon", {"customer_id": "customer_1"})
        return Post("/webhooks/kinde", issuer.sign(claims), content_type="application/jwt")

    def tampered(self, post: Post, where: float) -> Post:
        return replace(post, body=changed_byte(post.body, round(where * (len(post.body) - 1))))
