"""Where BillaBear's API is, said rightly or wrongly, and whether it can be asked."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from billing_webhooks.findings import Finding, Level
from billing_webhooks.providers.billabear import BillaBearProvider
from tests.billabear.api import API_KEY, StandIn
from tests.conftest import SECRET

URL = "https://billabear.example.com/api/v1"
NEEDS_BOTH = "needs both API_URL and API_KEY"


def provider(**options: Any) -> BillaBearProvider:
    return BillaBearProvider("shop", {"SECRETS": [SECRET], **options})


def found(url: str, api_key: str = API_KEY) -> Finding:
    """Return what is found out about the API; what was found before is about the endpoint."""
    return list(provider(API_URL=url, API_KEY=api_key).diagnose("https://shop.test/w/billabear"))[1]


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"API_URL": URL}, NEEDS_BOTH),
        ({"API_KEY": API_KEY}, NEEDS_BOTH),
        ({"API_URL": URL, "API_KEY": ""}, NEEDS_BOTH),
        ({"API_URL": "billabear.example.com", "API_KEY": API_KEY}, "['API_URL']"),
        ({"API_URL": 5, "API_KEY": API_KEY}, "['API_URL']"),
        ({"API_URL": f"{URL}?a=b", "API_KEY": API_KEY}, "['API_URL']"),
        ({"API_URL": f"{URL}#a", "API_KEY": API_KEY}, "['API_URL']"),
        ({"API_URL": "https://me:secret@example.com/", "API_KEY": API_KEY}, "['API_URL']"),
        ({"API_URL": "https://example.com:port/", "API_KEY": API_KEY}, "['API_URL']"),
        ({"API_URL": "https://example.com/\r\nX: y", "API_KEY": API_KEY}, "['API_URL']"),
        ({"API_URL": URL, "API_KEY": f"{API_KEY}\n"}, "['API_KEY']"),
        ({"API_URL": URL, "API_KEY": f"{API_KEY} "}, "['API_KEY']"),
        ({"API_URL": URL, "API_KEY": f"{API_KEY}\xe9"}, "['API_KEY']"),
        ({"API_URL": URL, "API_KEY": API_KEY.encode()}, "['API_KEY']"),
    ],
)
def test_wrong_option__told_by_name(options: dict[str, Any], named: str) -> None:
    with pytest.raises(ImproperlyConfigured) as error:
        provider(**options)

    assert "BILLING_WEBHOOKS_PROVIDERS['shop']['OPTIONS']" in str(error.value)
    assert named in str(error.value)
    assert API_KEY not in str(error.value)


@pytest.mark.parametrize(
    "options", [{}, {"API_URL": "", "API_KEY": ""}, {"API_URL": None, "API_KEY": None}]
)
def test_without_api__nothing_is_asked(options: dict[str, Any]) -> None:
    shop = provider(**options)

    assert not shop.confirms
    assert shop.confirm("customer_created", {}, may_wait=True) is None
    assert len(list(shop.diagnose("https://shop.test/w/billabear"))) == 1


@pytest.mark.parametrize(
    ("url", "ids"),
    [
        (URL, []),
        ("http://localhost:8000/api/v1", []),
        ("http://127.0.0.1/api/v1", []),
        ("http://billabear.example.com/api/v1", ["billing_webhooks.W205"]),
        ("ftp://localhost/api/v1", ["billing_webhooks.W205"]),
    ],
)
def test_check__warns_of_a_key_without_tls(url: str, ids: list[str]) -> None:
    messages = provider(API_URL=url, API_KEY=API_KEY).check()

    assert [message.id for message in messages] == ids
    assert API_KEY not in str(messages)


@pytest.mark.parametrize("end", ["", "/"])
def test_doctor__asks_once_and_is_content(end: str) -> None:
    with StandIn() as api:
        finding = found(api.url + end)

        assert finding.level is Level.OK
        assert api.requests == ["/api/v1/customer?limit=1"]


@pytest.mark.parametrize(
    ("instead", "what"),
    [
        ((401, {}, b"[]"), "it refuses the key (401)"),
        ((404, {}, b"[]"), "there is no API at that address"),
        ((200, {}, b"<html>"), "there is no API at that address"),
        ((302, {"Location": "https://else.test/x?y"}, b""), "it redirects to https://else.test/x,"),
        ((503, {}, b""), "it answered 503"),
        ((200, {}, b"[]"), "answers no list of customers"),
    ],
)
def test_doctor__says_why_not(instead: Any, what: str) -> None:
    with StandIn() as api:
        api.instead = instead
        finding = found(api.url)

    assert finding.level is Level.PROBLEM
    assert what in finding.what
    assert finding.advice
    assert API_KEY not in finding.what + finding.advice


def test_doctor__wrong_key_and_nobody_there() -> None:
    with StandIn() as api:
        assert "it refuses the key" in found(api.url, "another-key").what
        url = api.url

    assert "nobody listens there" in found(url).what
