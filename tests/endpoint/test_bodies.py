"""Bodies of every length and kind."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import pytest
from django.test import Client

from billing_webhooks.models import WebhookEvent
from tests.conftest import SECRET
from tests.endpoint.deliveries import AUTHORIZATION, BODY

pytestmark = pytest.mark.django_db

State = WebhookEvent.State
KIB = 1024


class TestBody:
    LIMITS = pytest.mark.parametrize(
        ("alias", "limit"), [("kinde", 256 * KIB), ("billabear", KIB * KIB)]
    )
    DJANGOS_LIMIT = pytest.mark.parametrize("django_limit", [10, 100 * KIB * KIB, None])

    @LIMITS
    @DJANGOS_LIMIT
    def test_at_the_limit__read(
        self, client: Client, settings: Any, alias: str, limit: int, django_limit: int | None
    ) -> None:
        settings.DATA_UPLOAD_MAX_MEMORY_SIZE = django_limit
        response = client.post(
            f"/webhooks/{alias}", b"x" * limit, content_type="", headers=AUTHORIZATION
        )

        assert response.status_code == 400

    @LIMITS
    @DJANGOS_LIMIT
    def test_over_the_limit__too_large(
        self, client: Client, settings: Any, alias: str, limit: int, django_limit: int | None
    ) -> None:
        settings.DATA_UPLOAD_MAX_MEMORY_SIZE = django_limit
        response = client.post(
            f"/webhooks/{alias}", b"x" * (limit + 1), content_type="", headers=AUTHORIZATION
        )

        assert response.status_code == 413
        assert not WebhookEvent.objects.exists()

    @LIMITS
    def test_declared_over_the_limit__not_read(
        self, client: Client, alias: str, limit: int
    ) -> None:
        stream = BytesIO(b"x" * 100)
        response = send_stream(client, alias, stream, CONTENT_LENGTH=str(limit + 1))

        assert response.status_code == 413
        assert stream.tell() == 0

    @LIMITS
    def test_undeclared_over_the_limit__read_no_further(
        self, client: Client, alias: str, limit: int
    ) -> None:
        stream = BytesIO(b"x" * (limit + 100))
        response = send_chunked(client, alias, stream)

        assert response.status_code == 413
        assert stream.tell() == limit + 1

    def test_without_length__read_where_the_server_marks_the_end(self, client: Client) -> None:
        assert send_chunked(client, "billabear", BytesIO(BODY)).status_code == 200
        assert bytes(WebhookEvent.objects.get().body) == BODY

    @pytest.mark.parametrize("alias", ["kinde", "billabear"])
    def test_without_length__asked_for_it_where_the_end_is_unknown(
        self, client: Client, alias: str
    ) -> None:
        stream = BytesIO(BODY)
        response = send_chunked(client, alias, stream, terminated=False)

        assert response.status_code == 411
        assert stream.tell() == 0
        assert not WebhookEvent.objects.exists()

    @pytest.mark.parametrize("length", ["-1", "+5", "abc", "1_0", "\u0665", ""])
    def test_odd_length__no_fault(self, client: Client, length: str) -> None:
        response = send_stream(client, "billabear", BytesIO(BODY), CONTENT_LENGTH=length)

        assert response.status_code == 400
        assert WebhookEvent.objects.get().state == State.QUARANTINED

    @pytest.mark.parametrize(("alias", "stored"), [("kinde", 0), ("billabear", 1)])
    def test_shorter_than_declared__not_taken_for_the_whole(
        self, client: Client, alias: str, stored: int
    ) -> None:
        length = str(len(BODY) + 1)
        response = send_stream(client, alias, BytesIO(BODY), CONTENT_LENGTH=length)

        assert response.status_code == 400
        events = WebhookEvent.objects.all()
        assert [(event.state, bytes(event.body)) for event in events] == (
            [(State.QUARANTINED, BODY)] * stored
        )

    CONTENT_TYPES = pytest.mark.parametrize(
        "content_type",
        [
            "",
            "text/plain",
            "application/json",
            "application/jwt",
            "application/x-www-form-urlencoded",
            "multipart/form-data",
            "multipart/form-data; boundary=x",
            "text/plain; charset=bogus",
            "text/plain; charset=utf-7",
            "text/plain; charset=utf-16",
            "text/plain; charset=latin-1",
            "\u00fc/\u00fc",
            "x" * 9_000,
        ],
        ids=lambda value: value[:40] or "none",
    )

    @CONTENT_TYPES
    def test_content_type__says_nothing_to_billabear(
        self, client: Client, content_type: str
    ) -> None:
        response = client.generic(
            "POST", f"/webhooks/billabear?token={SECRET}", BODY, content_type=content_type
        )

        event = WebhookEvent.objects.get()
        assert response.status_code == 200
        assert bytes(event.body) == BODY
        assert len(event.headers["content-type"]) <= 200
        assert event.headers["content-type"].isascii()


def send_stream(client: Client, alias: str, stream: BytesIO, **environ: Any) -> Any:
    """Post what a server hands on of a body, which need not be what was declared."""
    environ["wsgi.input"] = stream
    return client.generic("POST", f"/webhooks/{alias}", headers=AUTHORIZATION, **environ)


def send_chunked(client: Client, alias: str, stream: BytesIO, *, terminated: bool = True) -> Any:
    environ = {"HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input_terminated": terminated}
    return send_stream(client, alias, stream, **environ)
