"""Who may scrape, and in which form."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from tests.observing.conftest import TOKEN, Scrape

pytestmark = pytest.mark.django_db

WRONG = {
    "nothing": {},
    "another token": {"Authorization": "Bearer another"},
    "empty token": {"Authorization": "Bearer "},
    "no scheme": {"Authorization": TOKEN},
    "another scheme": {"Authorization": f"Basic {TOKEN}"},
    "not ASCII": {"Authorization": "Bearer é\udcff"},
}


@pytest.mark.parametrize("token", [TOKEN, ""], ids=["configured", "not configured"])
@pytest.mark.parametrize("headers", WRONG.values(), ids=WRONG)
def test_without_the_token__refused(
    client: Client, settings: Any, headers: dict[str, str], token: str
) -> None:
    settings.BILLING_WEBHOOKS_METRICS_TOKEN = token
    response = client.get("/metrics/", headers=headers)

    assert (response.status_code, response["WWW-Authenticate"]) == (401, "Bearer")
    assert response.content == b""


@pytest.mark.parametrize(
    ("is_staff", "may_view", "status"),
    [(True, True, 200), (True, False, 401), (False, True, 401)],
)
def test_signed_in__staff_who_may_view_events(
    client: Client, is_staff: bool, may_view: bool, status: int
) -> None:
    user = User.objects.create_user("ada", is_staff=is_staff)
    if may_view:
        user.user_permissions.add(Permission.objects.get(codename="view_webhookevent"))
    client.force_login(user)

    assert client.get("/metrics/").status_code == status


@pytest.mark.usefixtures("scrape")
@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("", "text/plain; version="),
        ("text/plain;version=0.0.4", "text/plain; version=0.0.4"),
        ("application/openmetrics-text; version=1.0.0", "application/openmetrics-text; version=1"),
        ("application/openmetrics-text; version=abc", "text/plain; version="),
        ("application/openmetrics-text;version=99999999999.1", "text/plain; version="),
        ("application/openmetrics-text; version=1..0; escaping=\x1b", "text/plain; version="),
        ("text/plain;version=\xff", "text/plain; version="),
        ("text/plain;version=1;version=x, application/openmetrics-text", "text/plain; version="),
    ],
)
def test_scrape__in_the_form_asked_for(client: Client, accept: str, content_type: str) -> None:
    headers = {"Authorization": f"bearer {TOKEN}", "Accept": accept}
    response = client.get("/metrics/", headers=headers)

    assert response["Content-Type"].startswith(content_type)
    assert "no-store" in response["Cache-Control"]
    assert b"# HELP billing_webhooks_due_events " in response.content


def test_post__not_allowed(scrape: Scrape) -> None:
    client = Client(enforce_csrf_checks=True)
    scrape()
    headers = {"Authorization": f"Bearer {TOKEN}"}

    assert client.post("/metrics/", headers=headers).status_code == 405
