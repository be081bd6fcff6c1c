"""What is done for many rows: a job in the background, and its page."""

from __future__ import annotations

import threading
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.test import Client

from billing_webhooks.admin import actions
from billing_webhooks.models import Job, WebhookEvent
from billing_webhooks.sweeping import sweep
from tests.admin_pages.pages import confirm, messages_of, page_url, text_of
from tests.conftest import PostKinde
from tests.once import on_one_database

on_one_database()

pytestmark = pytest.mark.django_db(transaction=True)

URL = "/admin/billing_webhooks/webhookevent/"
SIGN_UP = {"customer_id": "customer_1", "agreement_id": "agreement_1"}


class TestMany:
    """More than one waits for: a job in the background, with a page that follows it."""

    @pytest.fixture(autouse=True)
    def _few(self, monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
        monkeypatch.setattr(actions, "AT_ONCE", 2)
        settings.BILLING_WEBHOOKS_DISPATCH = "deferred"

    def ask(self, client: Client, post_kinde: PostKinde) -> Any:
        for number in range(3):
            post_kinde("customer.agreement_created", {"customer_id": f"customer_{number}"})
        keys: list[UUID] = list(WebhookEvent.objects.values_list("pk", flat=True))
        asked = client.post(URL, {"action": "give_up", "_selected_action": keys})
        return confirm(client, asked)

    def test_goes_on_by_the_sweep(
        self, client: Client, superuser: User, post_kinde: PostKinde
    ) -> None:
        response = self.ask(client, post_kinde)
        job = Job.objects.get()

        assert response.url == page_url(job)
        assert "Under way" in text_of(client, response.url)
        progress = f"/admin/billing_webhooks/job/{job.pk}/progress/"
        assert client.get(progress).json() == {"done": 0, "total": 3, "state": "open"}
        WebhookEvent.objects.update(next_attempt_at="2100-01-01T00:00Z")
        sweep()
        assert client.get(progress).json() == {"done": 3, "total": 3, "state": "done"}
        html = text_of(client, response.url)
        assert "3 events were given up." in html
        assert "Under way" not in html

    def test_goes_on_by_hand(self, client: Client, superuser: User, post_kinde: PostKinde) -> None:
        self.ask(client, post_kinde)
        key = Job.objects.get().pk
        client.get(f"/admin/billing_webhooks/job/{key}/go-on/")
        assert Job.objects.get().state == "open"
        response = client.post(f"/admin/billing_webhooks/job/{key}/go-on/")
        for thread in threading.enumerate():
            if str(key) in thread.name:
                thread.join()

        assert messages_of(response) == ["It goes on."]
        assert Job.objects.get().state == "done"

    def test_page__for_who_has_asked(
        self, client: Client, superuser: User, post_kinde: PostKinde, viewer: User
    ) -> None:
        client.force_login(superuser)
        self.ask(client, post_kinde)
        job = Job.objects.get()
        client.force_login(viewer)
        viewer.user_permissions.clear()
        assert client.get(page_url(job)).status_code == 403
        assert client.get(f"/admin/billing_webhooks/job/{job.pk}/progress/").status_code == 403
        Job.objects.update(asked_by_key=str(viewer.pk))

        assert client.get(page_url(job)).status_code == 200

    def test_too_many(
        self,
        client: Client,
        superuser: User,
        post_kinde: PostKinde,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(actions, "MAX_ROWS", 2)
        response = self.ask(client, post_kinde)

        assert messages_of(response) == [
            "These are more than 2. Choose fewer, or use the command line."
        ]
        assert not Job.objects.exists()
