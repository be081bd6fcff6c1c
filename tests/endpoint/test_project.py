"""What the project around the endpoint may do to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connections
from django.http import HttpRequest, HttpResponse
from django.test import Client

from billing_webhooks import views
from billing_webhooks.models import Customer, WebhookEvent
from billing_webhooks.signals import event_processed
from tests.conftest import SECRET
from tests.endpoint.deliveries import BODY, send

pytestmark = pytest.mark.django_db

State = WebhookEvent.State
Middleware = Callable[[HttpRequest], HttpResponse]


def reads_all(get_response: Middleware) -> Middleware:
    """Let the query and the form of a request be parsed before the view is asked."""

    def middleware(request: HttpRequest) -> HttpResponse:
        len(request.GET), len(request.POST)
        return get_response(request)

    return middleware


def fails_afterwards(get_response: Middleware) -> Middleware:
    def middleware(request: HttpRequest) -> HttpResponse:
        get_response(request)
        raise RuntimeError("a fault of the project's")

    return middleware


class TestProject:
    """The settings of the project around it do no harm."""

    def test_csrf_checks__not_asked_for_a_token(self) -> None:
        assert send(Client(enforce_csrf_checks=True)).status_code == 200

    def test_login_required__not_asked_to_log_in(self, client: Client, settings: Any) -> None:
        login_required = "django.contrib.auth.middleware.LoginRequiredMiddleware"

        assert login_required in settings.MIDDLEWARE
        assert client.get("/admin/").status_code == 302
        assert send(client).status_code == 200

    @pytest.mark.parametrize("host", ["evil.example.org", "", "a b", "x" * 300])
    def test_host__never_looked_at(self, client: Client, settings: Any, host: str) -> None:
        settings.MIDDLEWARE = []

        assert send(client, headers={"Host": host}).status_code == 200

    def test_form_parsed_before__bytes_are_still_there(self, client: Client, settings: Any) -> None:
        settings.MIDDLEWARE = [f"{__name__}.reads_all", *settings.MIDDLEWARE]

        response = send(client, content_type="application/x-www-form-urlencoded")

        assert response.status_code == 200
        assert bytes(WebhookEvent.objects.get().body) == BODY

    def test_query_parsed_before__its_secret_is_taken_back(
        self, client: Client, settings: Any
    ) -> None:
        settings.MIDDLEWARE = [f"{__name__}.reads_all", *settings.MIDDLEWARE]

        response = client.generic("POST", f"/webhooks/billabear?token={SECRET}", BODY)

        assert response.status_code == 200
        assert not response.wsgi_request.GET

    def test_form_that_cannot_be_parsed__is_the_middleware_s_error(
        self, client: Client, settings: Any
    ) -> None:
        settings.MIDDLEWARE = [f"{__name__}.reads_all", *settings.MIDDLEWARE]

        assert send(client, content_type="multipart/form-data").status_code == 400

    def test_kept_out_of_every_database_s_transaction(self) -> None:
        assert set(connections) <= getattr(views.receive, "_non_atomic_requests", set())

    @pytest.mark.django_db(transaction=True)
    def test_atomic_requests__event_survives_a_later_fault(
        self, settings: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(connections.settings["default"], "ATOMIC_REQUESTS", True)
        settings.MIDDLEWARE = [*settings.MIDDLEWARE, f"{__name__}.fails_afterwards"]

        assert send(Client(raise_request_exception=False)).status_code == 500
        assert WebhookEvent.objects.get().state == State.PROCESSED

    @pytest.mark.django_db(transaction=True)
    def test_failing_receiver__event_survives(
        self, client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(connections.settings["default"], "ATOMIC_REQUESTS", True)

        def fail(**kwargs: object) -> None:
            raise RuntimeError("a fault of a receiver")

        event_processed.connect(fail, dispatch_uid="fail")
        try:
            assert send(client).status_code == 200
        finally:
            event_processed.disconnect(dispatch_uid="fail")

        event = WebhookEvent.objects.get()
        assert (event.state, event.attempts) == (State.PENDING, 1)
        assert event.next_attempt_at is not None
        assert Customer.objects.exists()
