from __future__ import annotations

import base64
import logging
from datetime import UTC, datetime
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from billing_webhooks.models import WebhookEvent
from billing_webhooks.providers import get_provider
from billing_webhooks.providers.base import Delivery
from billing_webhooks.providers.billabear import BillaBearProvider
from billing_webhooks.testing import billabear_body
from tests.billabear.deliveries import CONTENT, request_of
from tests.conftest import SECRET, basic

pytestmark = pytest.mark.django_db

BODY = billabear_body("customer_created", **CONTENT["customer_created"])
OLD_SECRET = "the-one-before-it-was-rotated"

WITH_SECRET = {
    "basic user": "https://{}@host/webhooks/billabear/",
    "basic user and password": "https://{}:x@host/webhooks/billabear/",
    "basic password": "https://billabear:{}@host/webhooks/billabear/",
    "basic password, no slash": "https://billabear:{}@host/webhooks/billabear",
    "path": "https://host/webhooks/billabear/{}",
    "path with slash": "https://host/webhooks/billabear/{}/",
    "query": "https://host/webhooks/billabear?token={}",
    "query after slash": "https://host/webhooks/billabear/?token={}",
    "query among others": "https://host/webhooks/billabear/?a=1&token={}&b=",
}
places = pytest.mark.parametrize("url", WITH_SECRET.values(), ids=WITH_SECRET)


def send(client: Client, url: str, body: bytes = BODY, **headers: str) -> Any:
    path, authorization = request_of(url)
    return client.post(path, body, content_type="", headers={**authorization, **headers})


@pytest.fixture
def secrets(settings: Any) -> Any:
    """Configure the secrets of `billabear`."""

    def configure(*values: str) -> None:
        settings.BILLING_WEBHOOKS_PROVIDERS = {
            **settings.BILLING_WEBHOOKS_PROVIDERS,
            "billabear": {
                "BACKEND": "billing_webhooks.providers.billabear.BillaBearProvider",
                "OPTIONS": {"SECRETS": list(values)},
            },
        }

    return configure


@places
def test_secret__proves_delivery(client: Client, url: str) -> None:
    assert send(client, url.format(SECRET)).status_code == 200

    event = WebhookEvent.objects.get()
    assert bytes(event.body) == BODY
    assert (event.provider, event.event_type, event.trust) == (
        "billabear",
        "customer_created",
        "secret",
    )


@places
def test_secret_before_rotation__still_proves(client: Client, url: str) -> None:
    assert send(client, url.format(OLD_SECRET)).status_code == 200


@places
def test_secret_after_rotation__proves_no_more(client: Client, secrets: Any, url: str) -> None:
    secrets("a-brand-new-secret-for-the-tests")

    assert send(client, url.format(SECRET)).status_code == 401
    assert not WebhookEvent.objects.exists()


@places
def test_percent_encoded_secret__is_decoded(client: Client, secrets: Any, url: str) -> None:
    secrets("with spaces, umlauts \u00fc and a+b")

    encoded = "with%20spaces,%20umlauts%20%C3%BC%20and%20a%2Bb"
    assert send(client, url.format(encoded)).status_code == 200


def test_scheme_of_authorization__may_be_in_lower_case(client: Client) -> None:
    header = basic(SECRET).replace("Basic", "basic")

    assert send(client, "/webhooks/billabear", authorization=header).status_code == 200


WRONG = {
    "wrong": "wrong",
    "cut": SECRET[:-1],
    "longer": SECRET + "x",
    "upper case": SECRET.upper(),
    "non-ASCII": "s%C3%BC%C3%9F",
    "invalid UTF-8": "%FF%FE",
    "lone surrogate": "%ED%A0%80",
    "NUL behind": SECRET + "%00",
    "newline behind": SECRET + "%0a",
    "space before": "%20" + SECRET,
    "huge": "x" * 50_000,
}


@places
@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_wrong_secret__refused_without_a_query(
    client: Client, django_assert_num_queries: DjangoAssertNumQueries, url: str, wrong: str
) -> None:
    with django_assert_num_queries(0):
        response = send(client, url.format(wrong))

    assert response.status_code == 401
    assert response.content == b""
    assert not WebhookEvent.objects.exists()


AUTHORIZATIONS = {
    "scheme alone": "Basic",
    "nothing behind the scheme": "Basic ",
    "not base64": "Basic !!!!",
    "bad padding": "Basic YQ",
    "non-ASCII": "Basic \u00e9\u00e9\u00e9\u00e9",
    "no UTF-8 inside": "Basic " + base64.b64encode(b"\xff:\xfe").decode(),
    "NUL inside": "Basic " + base64.b64encode(SECRET.encode() + b"\0").decode(),
    "no scheme": SECRET,
    "bare base64": base64.b64encode(SECRET.encode()).decode(),
    "bearer": f"Bearer {SECRET}",
    "other scheme": basic(SECRET).replace("Basic", "Digest"),
    "huge": "Basic " + "QUFB" * 20_000,
}


@pytest.mark.parametrize("header", AUTHORIZATIONS.values(), ids=AUTHORIZATIONS)
def test_malformed_authorization__refused(
    client: Client, django_assert_num_queries: DjangoAssertNumQueries, header: str
) -> None:
    with django_assert_num_queries(0):
        response = send(client, "/webhooks/billabear", authorization=header)

    assert response.status_code == 401
    assert response["WWW-Authenticate"] == 'Basic realm="webhooks"'


def test_secret_elsewhere__refused(client: Client) -> None:
    body = billabear_body("customer_created", token=SECRET)
    response = send(client, f"/webhooks/billabear?secret={SECRET}", body, **{"X-Token": SECRET})

    assert response.status_code == 401


@pytest.mark.parametrize("values", [[SECRET], [], [""], ["", ""]], ids=repr)
@pytest.mark.parametrize(
    "url",
    [
        "https://host/webhooks/billabear",
        "https://host/webhooks/billabear/",
        "https://host/webhooks/billabear?token=",
        "https://host/webhooks/billabear?token",
        "https://@host/webhooks/billabear",
        "https://:@host/webhooks/billabear",
    ],
)
def test_empty_secret__proves_nothing(
    client: Client, secrets: Any, url: str, values: list[str]
) -> None:
    secrets(*values)

    assert send(client, url).status_code == 401
    assert not WebhookEvent.objects.exists()


@places
def test_without_configured_secret__accepts_nothing(client: Client, secrets: Any, url: str) -> None:
    secrets("")

    assert send(client, url.format(SECRET)).status_code == 401


@places
def test_secret_of_another_alias__refused(client: Client, settings: Any, url: str) -> None:
    settings.BILLING_WEBHOOKS_PROVIDERS = {
        **settings.BILLING_WEBHOOKS_PROVIDERS,
        "second": {
            "BACKEND": "billing_webhooks.providers.billabear.BillaBearProvider",
            "OPTIONS": {"SECRETS": ["the-secret-of-the-second"]},
        },
    }

    assert send(client, url.format("the-secret-of-the-second")).status_code == 401
    second = url.replace("billabear", "second")
    assert send(client, second.format(SECRET)).status_code == 401
    assert send(client, second.format("the-secret-of-the-second")).status_code == 200


BODIES = {
    "event": BODY,
    "unknown type": billabear_body("moon_landed"),
    "no event": b"[]",
    "no money": billabear_body(
        "payment_received", **CONTENT["payment_received"] | {"amount": "30"}
    ),
}


@places
@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_secret__not_logged_nor_answered(
    client: Client, caplog: pytest.LogCaptureFixture, url: str, body: bytes
) -> None:
    caplog.set_level(logging.DEBUG)

    response = send(client, url.format(SECRET), body)

    assert response.status_code in {200, 400}
    assert SECRET not in caplog.text
    assert SECRET not in f"{response.headers}{response.content!r}"


@places
@pytest.mark.parametrize("method", ["POST", "GET"])
@pytest.mark.parametrize("alias", ["billabear", "nobody"])
def test_secret__not_in_the_request_afterwards(
    client: Client, caplog: pytest.LogCaptureFixture, url: str, method: str, alias: str
) -> None:
    path, headers = request_of(url.format(SECRET).replace("/billabear", f"/{alias}"))
    response = client.generic(method, path, b"[]", headers=headers)

    assert response.status_code >= 400
    request = response.wsgi_request
    seen = f"{request!r} {request.get_full_path()} {request.GET} {request.headers} {request.META}"
    for secret in (SECRET, headers.get("Authorization", SECRET)):
        assert secret not in seen
        assert secret not in caplog.text


def test_secret__not_in_reprs() -> None:
    provider = get_provider("billabear")
    delivery = Delivery(
        body=BODY,
        received_at=datetime(2026, 3, 2, tzinfo=UTC),
        headers={"authorization": basic(SECRET)},
        query={"token": SECRET},
        path_token=SECRET,
    )

    assert SECRET not in f"{provider!r} {provider} {delivery!r}"
    assert basic(SECRET) not in repr(delivery)
    assert "customer.one" not in repr(delivery)


WRONG_OPTIONS: dict[str, dict[str, Any]] = {
    "text": {"SECRETS": SECRET},
    "none": {"SECRETS": None},
    "number": {"SECRETS": 5},
    "not texts": {"SECRETS": [None]},
    "bytes": {"SECRETS": [SECRET.encode()]},
    "unknown": {"SECRET": SECRET},
}


@pytest.mark.parametrize("options", WRONG_OPTIONS.values(), ids=WRONG_OPTIONS)
def test_wrong_option__told_by_name(options: dict[str, Any]) -> None:
    with pytest.raises(ImproperlyConfigured) as error:
        BillaBearProvider("shop", options)

    assert "BILLING_WEBHOOKS_PROVIDERS['shop']['OPTIONS']" in str(error.value)
    assert SECRET not in str(error.value)


@pytest.mark.parametrize(
    ("secrets", "ids"),
    [
        ([], ["billing_webhooks.W201"]),
        ([""], ["billing_webhooks.W201"]),
        (["short"], ["billing_webhooks.W202"]),
        ([SECRET, "short"], ["billing_webhooks.W202"]),
        ([SECRET], []),
        ((SECRET, OLD_SECRET), []),
    ],
)
def test_check__warns_of_weak_secrets(secrets: Any, ids: list[str]) -> None:
    messages = BillaBearProvider("shop", {"SECRETS": secrets}).check()

    assert [message.id for message in messages] == ids
    assert not any(secret in str(message) for message in messages for secret in secrets if secret)


@pytest.mark.parametrize("append_slash", [True, False])
@pytest.mark.parametrize(
    "path",
    [
        f"/webhooks/billabear/{SECRET}//",
        f"/webhooks/billabear/{SECRET}/x/",
        f"/webhooks/billabear/{SECRET}/x",
        f"/webhooks/billabear//{SECRET}",
        f"/webhooks/billabear//{SECRET}/",
        f"/webhooks/billabear/%0a{SECRET}",
        f"/webhooks//billabear/{SECRET}",
        f"/webhooks//{SECRET}/",
    ],
)
def test_secret_at_an_odd_place__not_logged(
    client: Client,
    caplog: pytest.LogCaptureFixture,
    settings: Any,
    path: str,
    append_slash: bool,
) -> None:
    settings.APPEND_SLASH = append_slash
    caplog.set_level(logging.DEBUG)

    response = client.generic("POST", path, BODY)

    assert response.status_code == (404 if "webhooks//" in path else 401)
    assert SECRET not in caplog.text
    assert SECRET not in response.wsgi_request.get_full_path()
    assert not WebhookEvent.objects.exists()
