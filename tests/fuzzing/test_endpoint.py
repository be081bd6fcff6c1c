"""
The whole endpoint, asked in any way: what is answered, logged and stored.

No fault is shown: no 5xx but 503 with the time to come again, and of whatever is not proven
nothing is stored.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote_from_bytes

import pytest
from django.core.cache import cache
from django.db import transaction
from django.test import Client
from hypothesis import event as note
from hypothesis import given
from hypothesis import strategies as st

from billing_webhooks import providers
from billing_webhooks.models import WebhookEvent
from billing_webhooks.testing import KindeIssuer, billabear_body, kinde_event
from tests.billabear.deliveries import CONTENT
from tests.conftest import SECRET, basic
from tests.fuzzing.budget import budget
from tests.fuzzing.mutations import mutated, mutations
from tests.kinde.conftest import configure
from tests.kinde.deliveries import CHANGED_PLAN

pytestmark = pytest.mark.django_db

TENANT = KindeIssuer(kid="4c:fa:9e")
EVENT = kinde_event("customer.plan_changed", CHANGED_PLAN, event_id="event_1")
TOKEN = TENANT.sign(EVENT)
EVENTS = [billabear_body(event_type, **content) for event_type, content in CONTENT.items()]

methods = st.sampled_from(["POST"] * 8 + ["GET", "PUT", "HEAD", "OPTIONS", "PROPFIND", "post"])
paths = mutated(
    [
        b"/webhooks/kinde",
        b"/webhooks/billabear/",
        f"/webhooks/billabear/{SECRET}".encode(),
        b"/webhooks/nobody",
    ]
) | st.sampled_from([b"/webhooks/kinde", f"/webhooks/billabear/{SECRET}/".encode()])
queries = mutated([f"token={SECRET}".encode(), b"a=1&b=2", b"%ff=%00"]) | st.just(b"")
values = st.text(st.characters(max_codepoint=255), max_size=40)
headers = st.fixed_dictionaries(
    {},
    optional={
        "HTTP_AUTHORIZATION": mutated([basic(SECRET).encode()]).map(
            lambda each: each.decode("latin-1")
        ),
        "HTTP_CONTENT_ENCODING": st.sampled_from(["identity", "gzip", "br"]) | values,
        "HTTP_TRANSFER_ENCODING": st.sampled_from(["chunked", "identity"]) | values,
        "CONTENT_LENGTH": st.sampled_from(["", "0", "-1", "7", "9" * 30, "1e3", "\u0661"]),
        "CONTENT_TYPE": st.sampled_from(["multipart/form-data", "x; charset=utf-7"]) | values,
        "HTTP_USER_AGENT": values,
        "HTTP_WEBHOOK_ID": values,
        "HTTP_X_FORWARDED_FOR": values,
        "REMOTE_ADDR": values,
        "wsgi.input_terminated": st.booleans(),
    },
)
bodies = mutated([TOKEN, *EVENTS]) | st.binary(max_size=60)
signed = (mutated([json.dumps(EVENT).encode(), *EVENTS]) | st.binary(max_size=60)).map(
    TENANT.sign_bytes
)


@pytest.fixture(scope="module")
def tenant() -> Iterator[KindeIssuer]:
    with TENANT:
        yield TENANT


@pytest.fixture(autouse=True)
def configured(tenant: KindeIssuer, settings: Any) -> None:
    cache.clear()
    providers._instances.clear()
    configure(settings, ISSUER=tenant.url)


def send(
    client: Client, method: str, path: bytes, query: bytes, body: bytes, **environ: Any
) -> Any:
    """Send a request as a server hands it on, whatever its path and headers are."""
    return client.generic(
        method,
        "/",
        body,
        PATH_INFO=path.decode("latin-1"),
        QUERY_STRING=quote_from_bytes(query, safe="=&%+;"),
        **environ,
    )


def assert_modest(response: Any, records: list[logging.LogRecord]) -> None:
    assert response.status_code < 500 or response.status_code == 503
    assert ("Retry-After" in response) == (response.status_code == 503)
    # Of a page that there is not, Django itself may say so.
    own = [record for record in records if record.name.startswith("billing_webhooks")]
    assert len(records) <= 1 or len(own) <= 1
    for record in records:
        assert record.exc_info is None
        assert len(record.getMessage()) < 2000
    assert all(SECRET not in record.getMessage() for record in own)
    assert all(record.getMessage().isprintable() for record in own)


def is_proven(path: bytes, query: bytes, environ: dict[str, Any]) -> bool:
    """Return whether the secret is in a request at all; without it nothing may be stored."""
    return SECRET.encode() in path or SECRET.encode() in query or "HTTP_AUTHORIZATION" in environ


@budget(400)
@given(method=methods, path=paths, query=queries, body=bodies, environ=headers)
def test_any_request__modest_and_nothing_unproven_stored(
    client: Client,
    caplog: pytest.LogCaptureFixture,
    method: str,
    path: bytes,
    query: bytes,
    body: bytes,
    environ: dict[str, Any],
) -> None:
    caplog.clear()
    with transaction.atomic():
        response = send(client, method, path, query, body, **environ)
        stored = [(event.provider, bytes(event.body)) for event in WebhookEvent.objects.all()]
        transaction.set_rollback(True)

    note(str(response.status_code))
    assert_modest(response, caplog.records)
    for provider, content in stored:
        assert body.startswith(content)
        # Django writes every method in capitals.
        assert method.upper() == "POST"
        assert is_proven(path, query, environ) or provider == "kinde"
        if provider == "kinde":
            assert bare(content) == bare(TOKEN)
    assert response.status_code != 200 or len(stored) == 1


def bare(token: bytes) -> list[bytes]:
    return [segment.rstrip(b"=") for segment in token.strip().split(b".")]


@budget(200)
@given(body=mutated(EVENTS) | st.binary(max_size=60))
def test_any_proven_body__kept_and_settled(
    client: Client, caplog: pytest.LogCaptureFixture, body: bytes
) -> None:
    caplog.clear()
    with transaction.atomic():
        response = send(client, "POST", f"/webhooks/billabear/{SECRET}".encode(), b"", body)
        event = WebhookEvent.objects.get()
        transaction.set_rollback(True)

    assert response.status_code == (400 if event.state == "quarantined" else 200)
    assert bytes(event.body) == body
    assert event.state in {"processed", "dead", "quarantined"}, event.last_error


@budget(200)
@given(body=signed, mutate=mutations)
def test_any_signed_payload__kept_and_settled(
    client: Client, caplog: pytest.LogCaptureFixture, body: bytes, mutate: Any
) -> None:
    caplog.clear()
    changed = mutate(body)
    with transaction.atomic():
        response = send(client, "POST", b"/webhooks/kinde", b"", body)
        states = [event.state for event in WebhookEvent.objects.all()]
        again = send(client, "POST", b"/webhooks/kinde", b"", changed)
        number = WebhookEvent.objects.count()
        transaction.set_rollback(True)

    assert response.status_code in {200, 401}
    assert len(states) == (response.status_code == 200)
    assert set(states) <= {"processed", "dead", "quarantined"}
    # What differs from what was signed leaves no trace.
    assert number == len(states)
    assert again.status_code == response.status_code or bare(changed) != bare(body)
