from __future__ import annotations

from dataclasses import replace

import pytest

from billing_webhooks.testing import billabear_body
from tests.billabear.deliveries import CONTENT
from tests.conftest import SECRET
from tests.contract import Post, ProviderContract

PATH = "/webhooks/billabear/"


class TestBillaBearContract(ProviderContract):
    @pytest.fixture
    def genuine(self) -> Post:
        body = billabear_body("payment_received", **CONTENT["payment_received"])
        return Post(PATH + SECRET, body)

    @pytest.fixture
    def of_unknown_type(self) -> Post:
        return Post(PATH + SECRET, billabear_body("moon_landed"))

    def tampered(self, post: Post, where: float) -> Post:
        # The body is covered by nothing; what proves a delivery is the secret.
        position = len(PATH) + round(where * (len(SECRET) - 1))
        letter = "b" if post.path[position] == "a" else "a"
        return replace(post, path=post.path[:position] + letter + post.path[position + 1 :])
