"""What the URL answers, whoever asks and however."""

from __future__ import annotations

import logging
from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest
from django.db import DataError, connection, connections, transaction
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext

from billing_webhooks import views
from billing_webhooks.exceptions import NotProven, Refused
from billing_webhooks.models import Customer, WebhookEvent
from billing_webhooks.providers.base import Delivery, Envelope
from billing_webhooks.providers.billabear import BillaBearProvider
from billing_webhooks.signals import event_processed
from billing_webhooks.testing import KindeIssuer, billabear_body, kinde_event
from tests.conftest import SECRET, PostBillaBear, PostKinde, basic

pytestmark = pytest.mark.django_db

State = WebhookEvent.State

CUSTOMER = {"id": "0b1e5c1e-8a4f-4d0e-9a44-6c0b3d6c2f11", "email": "one@example.org"}
PAYMENT = {"id": "c0ffee00-1234-4abc-9def-0123456789ab", "customer": CUSTOMER, "amount": 3000}
BODY = billabear_body("customer_created", customer=CUSTOMER)
AUTHORIZATION = {"Authorization": basic(SECRET)}
KIB = 1024


class FailsToVerify(BillaBearProvider):
    def verify(self, delivery: Delivery) -> Envelope:
        raise RuntimeError("a fault of ours")


class LooksUpToVerify(BillaBearProvider):
    def verify(self, delivery: Delivery) -> Envelope:
        raise KeyError("a fault that looks like an unknown alias")


class Expired(NotProven):
    """What a provider may have of its own."""


class RefusesInItsOwnWay(BillaBearProvider):
    def verify(self, delivery: Delivery) -> Envelope:
        raise Expired("expired")


class RefusesInNoWayOfOurs(BillaBearProvider):
    def verify(self, delivery: Delivery) -> Envelope:
        raise Refused("refused")


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


@pytest.fixture
def use_backend(settings: Any) -> Callable[[str], None]:
    """Let `billabear` be served by a provider of this module."""

    def use(name: str) -> None:
        settings.BILLING_WEBHOOKS_PROVIDERS = {
            **settings.BILLING_WEBHOOKS_PROVIDERS,
            "billabear": {"BACKEND": name, "OPTIONS": {"SECRETS": [SECRET]}},
        }

    return use


@pytest.fixture
def deferred(settings: Any) -> None:
    settings.BILLING_WEBHOOKS_DISPATCH = "deferred"


def send(client: Client, body: bytes = BODY, **extra: Any) -> Any:
    headers = {**AUTHORIZATION, **extra.pop("headers", {})}
    return client.generic("POST", "/webhooks/billabear", body, headers=headers, **extra)


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

    @CONTENT_TYPES
    def test_content_type__says_nothing_to_kinde(
        self, client: Client, issuer: KindeIssuer, content_type: str
    ) -> None:
        token = issuer.sign(kinde_event("customer.plan_changed", {"customer_id": "customer_1"}))
        response = client.generic("POST", "/webhooks/kinde?a=b", token, content_type=content_type)

        assert response.status_code == 200
        assert bytes(WebhookEvent.objects.get().body) == token

    @pytest.mark.parametrize(
        ("alias", "status", "states"),
        [("kinde", 415, []), ("billabear", 400, [State.QUARANTINED])],
    )
    def test_compressed__never_unpacked(
        self, client: Client, alias: str, status: int, states: list[str]
    ) -> None:
        response = client.generic(
            "POST",
            f"/webhooks/{alias}",
            BODY,
            headers={**AUTHORIZATION, "Content-Encoding": "gzip"},
        )

        assert response.status_code == status
        assert list(WebhookEvent.objects.values_list("state", flat=True)) == states


def send_stream(client: Client, alias: str, stream: BytesIO, **environ: Any) -> Any:
    """Post what a server hands on of a body, which need not be what was declared."""
    environ["wsgi.input"] = stream
    return client.generic("POST", f"/webhooks/{alias}", headers=AUTHORIZATION, **environ)


def send_chunked(client: Client, alias: str, stream: BytesIO, *, terminated: bool = True) -> Any:
    environ = {"HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input_terminated": terminated}
    return send_stream(client, alias, stream, **environ)


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


class TestFaults:
    @pytest.mark.parametrize("name", ["FailsToVerify", "LooksUpToVerify", "Missing"])
    def test_fault_of_ours__come_again(
        self,
        client: Client,
        caplog: pytest.LogCaptureFixture,
        use_backend: Callable[[str], None],
        name: str,
    ) -> None:
        use_backend(f"{__name__}.{name}")
        caplog.set_level(logging.INFO)

        response = send(client)

        assert (response.status_code, response["Retry-After"]) == (503, "30")
        assert response.content == b""
        (record,) = caplog.records
        assert record.levelno == logging.ERROR
        assert record.exc_info is not None
        assert SECRET not in caplog.text

    @pytest.mark.parametrize(
        ("name", "status"), [("RefusesInItsOwnWay", 401), ("RefusesInNoWayOfOurs", 400)]
    )
    def test_refusal_of_a_provider_s_own__answered_like_its_kind(
        self, client: Client, use_backend: Callable[[str], None], name: str, status: int
    ) -> None:
        use_backend(f"{__name__}.{name}")

        assert send(client).status_code == status


@pytest.mark.usefixtures("deferred")
class TestCost:
    """What a delivery asks of the database, and that is all."""

    ATOMIC = pytest.mark.parametrize("atomic", [False, True], ids=["plain", "ATOMIC_REQUESTS"])

    @ATOMIC
    @pytest.mark.django_db(transaction=True)
    def test_new_event__one_statement(
        self, post_billabear: PostBillaBear, monkeypatch: pytest.MonkeyPatch, atomic: bool
    ) -> None:
        monkeypatch.setitem(connections.settings["default"], "ATOMIC_REQUESTS", atomic)

        with CaptureQueriesContext(connection) as queries:
            assert post_billabear("payment_received", **PAYMENT).status_code == 200

        assert verbs(queries) == ["INSERT"]

    @ATOMIC
    @pytest.mark.django_db(transaction=True)
    def test_repeated_event__two_statements(
        self, post_billabear: PostBillaBear, monkeypatch: pytest.MonkeyPatch, atomic: bool
    ) -> None:
        monkeypatch.setitem(connections.settings["default"], "ATOMIC_REQUESTS", atomic)
        post_billabear("payment_received", **PAYMENT)

        with CaptureQueriesContext(connection) as queries:
            assert post_billabear("payment_received", **PAYMENT).status_code == 200

        assert verbs(queries) == ["INSERT", "UPDATE"]
        assert WebhookEvent.objects.get().deliveries == 2

    @pytest.mark.django_db(transaction=True)
    def test_kinde__the_same(self, post_kinde: PostKinde) -> None:
        event: dict[str, Any] = {"event_id": "event_1", "data": {"customer_id": "customer_1"}}

        for expected in (["INSERT"], ["INSERT", "UPDATE"]):
            with CaptureQueriesContext(connection) as queries:
                post_kinde("customer.plan_changed", **event)
            assert verbs(queries) == expected

    def test_inside_a_project_s_transaction__a_repeat_breaks_nothing(
        self, post_billabear: PostBillaBear
    ) -> None:
        assert connection.in_atomic_block
        with transaction.atomic():
            post_billabear("payment_received", **PAYMENT)
            assert post_billabear("payment_received", **PAYMENT).status_code == 200

        assert WebhookEvent.objects.get().deliveries == 2


def verbs(queries: CaptureQueriesContext) -> list[str]:
    return [query["sql"].split()[0] for query in queries.captured_queries]


REFUSED: dict[str, dict[str, Any]] = {
    "no proof": {"path": "/webhooks/billabear"},
    "wrong path": {"path": "/webhooks/billabear/%0a%1b[31mfake"},
    "wrong query": {"path": "/webhooks/billabear?token=%0d%0afake"},
    "huge path": {"path": "/webhooks/billabear/" + "x" * 20_000},
    "huge header": {"path": "/webhooks/billabear", "headers": {"Authorization": "x" * 50_000}},
    "control characters": {"path": "/webhooks/billabear", "headers": {"User-Agent": "\r\n\x1b"}},
    "address": {"path": "/webhooks/billabear", "REMOTE_ADDR": "\x1b[31m\nfake"},
    "too large": {"path": "/webhooks/billabear", "CONTENT_LENGTH": "9" * 19},
    "no token": {"path": "/webhooks/kinde"},
    "compressed": {"path": "/webhooks/kinde", "headers": {"Content-Encoding": "\ngzip"}},
    "method": {"path": f"/webhooks/billabear/{SECRET}", "method": "GET"},
    "unknown alias": {"path": f"/webhooks/%0a%1b/{SECRET}"},
}


@pytest.mark.parametrize("request_", REFUSED.values(), ids=REFUSED)
def test_refused__one_short_line_in_the_log(
    client: Client, caplog: pytest.LogCaptureFixture, request_: dict[str, Any]
) -> None:
    caplog.set_level(logging.INFO)
    response = client.generic(**{"method": "POST", "data": BODY, **request_})

    assert 400 <= response.status_code < 500
    (record,) = caplog.records
    message = record.getMessage()
    assert record.levelno == logging.WARNING
    assert record.exc_info is None
    assert len(message) < 300
    assert message.isprintable()
    assert message.isascii()
    assert SECRET not in message
    assert "one@example.org" not in message
    assert not WebhookEvent.objects.exists()


FAR_AHEAD = kinde_event("customer.plan_changed", {"name": "n" * 10_000}, event_id="event_1")
FAR_AHEAD["timestamp"] = FAR_AHEAD["event_timestamp"] = "2099-01-01T00:00:00Z"

KEPT: dict[str, tuple[Any, str]] = {
    "event": (BODY, "INFO"),
    "long texts": (
        billabear_body("customer_created", customer=CUSTOMER | {"brand": "b" * 999}),
        "INFO",
    ),
    "far ahead": (FAR_AHEAD, "INFO"),
    "no event of BillaBear's": (b"[]", "ERROR"),
    "long type": (billabear_body("t" * 10_000), "ERROR"),
    "no event of Kinde's": (FAR_AHEAD | {"event_id": None}, "ERROR"),
}


@pytest.mark.usefixtures("deferred")
@pytest.mark.parametrize(("content", "level"), KEPT.values(), ids=KEPT)
def test_kept__one_line_in_the_log(
    client: Client,
    issuer: KindeIssuer,
    caplog: pytest.LogCaptureFixture,
    content: Any,
    level: str,
) -> None:
    caplog.set_level(logging.INFO)
    alias, body = (
        ("kinde", issuer.sign(content)) if isinstance(content, dict) else ("billabear", content)
    )
    client.generic("POST", f"/webhooks/{alias}", body, headers=AUTHORIZATION)

    assert WebhookEvent.objects.count() == 1
    assert [record.levelname for record in caplog.records] == [level]


def test_could_not_be_stored__one_line_in_the_log(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    with connection.execute_wrapper(database_is_gone):
        response = send(client, b"[]")

    assert response.status_code == 503
    (record,) = caplog.records
    assert (record.levelname, record.exc_info) == ("WARNING", None)


def database_is_gone(*args: Any) -> None:
    raise DataError
