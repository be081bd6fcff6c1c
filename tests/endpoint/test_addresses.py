"""Which methods and URLs are answered."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from billing_webhooks.models import WebhookEvent
from billing_webhooks.testing import KindeIssuer, kinde_event
from tests.conftest import SECRET
from tests.endpoint.deliveries import AUTHORIZATION, BODY

pytestmark = pytest.mark.django_db


class TestAddress:
    @pytest.mark.parametrize("append_slash", [True, False])
    @pytest.mark.parametrize("slash", ["", "/"])
    def test_with_and_without_slash__the_same(
        self,
        client: Client,
        issuer: KindeIssuer,
        settings: Any,
        slash: str,
        append_slash: bool,
    ) -> None:
        settings.APPEND_SLASH = append_slash
        token = issuer.sign(kinde_event("customer.plan_changed", {"customer_id": "customer_1"}))

        assert client.post(f"/webhooks/kinde{slash}", token, content_type="").status_code == 200
        for path in (f"/webhooks/billabear/{SECRET}{slash}", f"/webhooks/billabear{slash}"):
            response = client.post(path, BODY, content_type="", headers=AUTHORIZATION)
            assert response.status_code == 200
        assert WebhookEvent.objects.count() == 3

    @pytest.mark.parametrize("append_slash", [True, False])
    @pytest.mark.parametrize(
        "path",
        [
            "/webhooks/nobody",
            "/webhooks/nobody/",
            f"/webhooks/nobody/{SECRET}",
            f"/webhooks/nobody/{SECRET}/",
            "/webhooks/BillaBear",
            "/webhooks/billabear%00",
            "/webhooks/billabear%0a",
            "/webhooks/%2e%2e/billabear",
            "/webhooks//billabear",
            "//webhooks/billabear",
            "/webhooks/",
            "/webhooks",
        ],
    )
    def test_unknown_address__not_found(
        self, client: Client, settings: Any, path: str, append_slash: bool
    ) -> None:
        settings.APPEND_SLASH = append_slash

        assert client.generic("POST", path, BODY, headers=AUTHORIZATION).status_code == 404
        assert not WebhookEvent.objects.exists()

    @pytest.mark.parametrize("path", ["/webhooks/billabear", f"/webhooks/billabear/{SECRET}/"])
    @pytest.mark.parametrize(
        "method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "FOO"]
    )
    def test_other_method__not_allowed(self, client: Client, path: str, method: str) -> None:
        response = client.generic(method, path, BODY, headers=AUTHORIZATION)

        assert (response.status_code, response["Allow"]) == (405, "POST")
        assert response.content == b""
        assert not WebhookEvent.objects.exists()


class TestQuery:
    @pytest.mark.parametrize(
        "query",
        ["a&" * 2_000, "%", "%ff%fe", "=", "&", ";", "\u00fc=1", "token=x" + "y" * 50_000],
        ids=["many", "percent", "no UTF-8", "equals", "ampersand", "semicolon", "raw", "long"],
    )
    @pytest.mark.parametrize("path", ["/webhooks/billabear", "/webhooks/billabear/wrong"])
    def test_odd_query__refused_like_any_other(
        self, client: Client, caplog: pytest.LogCaptureFixture, path: str, query: str
    ) -> None:
        response = client.generic("POST", f"{path}?{query}", BODY)

        assert response.status_code == 401
        assert len(caplog.records) == 1

    def test_odd_query__does_not_disturb_a_secret_elsewhere(self, client: Client) -> None:
        path = f"/webhooks/billabear/{SECRET}?" + "a&" * 2_000

        assert client.generic("POST", path, BODY).status_code == 200

    def test_repeated_parameter__the_last_counts(self, client: Client) -> None:
        path = "/webhooks/billabear?token={}&token={}"

        assert client.generic("POST", path.format("x", SECRET), BODY).status_code == 200
        assert client.generic("POST", path.format(SECRET, "x"), BODY).status_code == 401
