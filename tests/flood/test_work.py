"""
How the work for an input grows with its size: four times the bytes, four times the steps.

Steps are calls of functions, in Python and in C, not seconds. What a single call into C does
with a long input is bounded in another way: by the size that is let through to it.
"""

from __future__ import annotations

import base64
import json
import sys
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from itertools import pairwise
from types import FrameType
from typing import Any

import pytest
from django.db import connection
from django.http import Http404
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext

from billing_webhooks.exceptions import NotUnderstood, Refused
from billing_webhooks.models import WebhookEvent
from billing_webhooks.providers.base import Delivery
from billing_webhooks.providers.billabear import BillaBearProvider
from billing_webhooks.providers.kinde import KindeProvider
from billing_webhooks.providers.kinde.jws import CompactJWS
from billing_webhooks.providers.paths import id_at, number_at, parse_time, text_at
from billing_webhooks.providers.strict_json import NotStrictJSON, parse
from billing_webhooks.testing import KindeIssuer, kinde_event
from billing_webhooks.views import receive
from tests.conftest import SECRET
from tests.kinde.deliveries import compact
from tests.once import on_one_database

on_one_database()

KIB = 1024
NOW = datetime(2026, 3, 2, tzinfo=UTC)
TENANT = KindeIssuer(kid="k")
BILLABEAR = BillaBearProvider("billabear", {"SECRETS": [SECRET]})
KINDE = KindeProvider("kinde", {"ISSUER": "https://acme.kinde.com"})
REFUSALS = (Refused, NotStrictJSON, NotUnderstood)

Work = Callable[[int], object]


def calls_of(work: Callable[[], object]) -> Counter[str]:
    """Return how often which function was called, whether it is written in Python or in C."""
    calls: Counter[str] = Counter()

    def note(frame: FrameType, event: str, argument: Any) -> None:
        if event == "call":
            calls[frame.f_code.co_name] += 1
        elif event == "c_call":
            calls[argument.__name__] += 1

    previous = sys.getprofile()
    sys.setprofile(note)
    try:
        with suppress(*REFUSALS):
            work()
    finally:
        sys.setprofile(previous)
    return calls


def jws(body: bytes) -> object:
    return CompactJWS.parse(body)


def jws_with_header(header: str) -> object:
    return jws(compact(header.encode(), b"{}", TENANT.key))


def signed(payload: str) -> object:
    return KINDE.envelope(TENANT.sign_bytes(payload.encode()), NOW)


def delivered(**parts: Any) -> object:
    return BILLABEAR.verify(Delivery(**{"body": b"{}", "received_at": NOW, **parts}))


def requested(query: str) -> object:
    request = RequestFactory().generic("POST", "/webhooks/nobody", QUERY_STRING=query)
    with suppress(Http404):
        receive(request, alias="nobody")
    return request


# What grows with n, for n bytes or so. Each is tried near the largest body there may be.
WORKS: dict[str, Work] = {
    "token: dots": lambda n: jws(b"eyJ" + b"." * n),
    "token: one segment": lambda n: jws(b"ey" + b"J" * n),
    "token: two dots and a byte of another kind": lambda n: jws(b"ey" + b"a" * n + b".a.a\0"),
    "token: white space": lambda n: jws(b" " * n + b"\n" * n),
    "token: padding": lambda n: jws(b"eyJ" + b"=" * n + b".." + b"=" * n),
    "token: header": lambda n: jws_with_header('{"alg":"RS256","kid":"k","x":"%s"}' % ("x" * n)),
    "token: header of many keys": lambda n: jws_with_header(
        "{" + ",".join(f'"{number}":1' for number in range(n // 10)) + "}"
    ),
    "token: payload": lambda n: signed('{"x":"%s"}' % ("x" * n)),
    "token: signature": lambda n: jws(b"eyJ9.e30." + b"A" * n),
    "json: opened": lambda n: parse(b"[" * n),
    "json: opened objects": lambda n: parse(b'{"a":' * (n // 5)),
    "json: wide": lambda n: parse(b"[" + b"1," * (n // 2) + b"1]"),
    "json: many objects": lambda n: parse(b"[" + b"{}," * (n // 3) + b"1]"),
    "json: one key again and again": lambda n: parse(b"{" + b'"a":1,' * (n // 6) + b'"a":1}'),
    "json: many keys": lambda n: parse(
        b"{" + b",".join(b'"%d":1' % number for number in range(n // 10)) + b"}"
    ),
    "json: fractions": lambda n: parse(b"[" + b"1.5," * (n // 4) + b"1]"),
    "json: one long fraction": lambda n: parse(b"[0." + b"1" * n + b"]"),
    "json: one long number": lambda n: parse(b"[" + b"1" * n + b"]"),
    "json: one long exponent": lambda n: parse(b"[1e" + b"1" * n + b"]"),
    "json: escapes": lambda n: parse(b'["' + b"\\u0041" * (n // 6) + b'"]'),
    "json: surrogates": lambda n: parse(b'["' + b"\\ud800" * (n // 6) + b'"]'),
    "json: spaces": lambda n: parse(b" " * n + b"x"),
    "query: fields": lambda n: requested("a=1&" * (n // 4)),
    "query: one field": lambda n: requested("token=" + "%41" * (n // 3)),
    "query: signs": lambda n: requested("&=;%" * (n // 4)),
    "authorization: base64": lambda n: delivered(headers={"authorization": "Basic " + "QUFB" * n}),
    "authorization: colons": lambda n: delivered(
        headers={"authorization": "Basic " + base64.b64encode(b":" * n).decode()}
    ),
    "authorization: spaces": lambda n: delivered(headers={"authorization": "Basic " + " " * n}),
    "path": lambda n: delivered(path_token="x" * n),
    "query secret": lambda n: delivered(query={"token": "\udcff" * n}),
    "date: digits": lambda n: parse_time("2026-03-02T10:30:00." + "1" * n),
    "date: text": lambda n: parse_time("x" * n),
    "date: offset": lambda n: parse_time("2026-03-02T10:30:00+" + "0" * n),
    "id: text": lambda n: id_at({"id": "x" * n}, "id"),
    "id: surrogates": lambda n: id_at({"id": "\ud800" * n}, "id"),
    "text": lambda n: text_at({"name": "\0\ud800" * n}, "name"),
    "number: text": lambda n: number_at({"amount": "1" * n}, "amount"),
    "number: almost": lambda n: number_at(
        {"amount": "1" * 40 + "." + "1" * 40 + "x" * n}, "amount"
    ),
    "event: long texts": lambda n: signed(
        json.dumps(kinde_event("t", {"customer_id": "x" * n}, event_id="e" * n, occurred_at=NOW))
    ),
    "event: of BillaBear": lambda n: delivered(
        path_token=SECRET,
        body=b'{"type":"' + b"x" * n + b'","customer":{"id":"' + b"0" * n + b'"}}',
    ),
}
# The smaller two first, because what grows with the square does not end with the larger ones.
SIZES = [4 * KIB, 16 * KIB, 64 * KIB, 256 * KIB]
# What is done however short the input is, and whatever a library does a little more of.
SLACK = 200


@pytest.mark.parametrize("work", WORKS.values(), ids=WORKS)
def test_four_times_the_bytes__at_most_four_times_the_calls(work: Work) -> None:
    # The first time, things are looked up that are remembered afterwards.
    calls_of(lambda: work(KIB))
    for size, larger in pairwise(SIZES):
        few, many = calls_of(lambda: work(size)), calls_of(lambda: work(larger))  # noqa: B023
        assert many.total() <= 4 * few.total() + SLACK, (many - few).most_common(5)


def test_work_that_grows_with_the_square__would_be_told() -> None:
    def square(n: int) -> object:
        return [len("") for _ in range((n // KIB) ** 2)]

    few, many = calls_of(lambda: square(SIZES[1])), calls_of(lambda: square(SIZES[2]))
    assert many.total() > 4 * few.total() + SLACK


@pytest.mark.parametrize(
    ("work", "never"),
    [
        # A pattern that is asked of more than two dots might try each with each.
        (lambda: jws(b"ey." + b"a." * 100 * KIB), "fullmatch"),
        # Elements beyond these are not even told apart.
        (lambda: requested("a=1&" * 25 * KIB), "unquote"),
        # Longer ids are not searched for forbidden characters.
        (lambda: id_at({"id": "x" * 256}, "id"), "translate"),
    ],
    ids=["dots", "query", "id"],
)
def test_too_much__is_refused_before_it_is_taken_apart(
    work: Callable[[], object], never: str
) -> None:
    assert calls_of(work)[never] == 0


def test_whole_numbers__are_as_long_as_python_lets_them_be() -> None:
    """Turning digits into a number takes the square of their count, so the count is bounded."""
    assert 0 < sys.get_int_max_str_digits() <= 4300
    with pytest.raises(NotStrictJSON):
        parse(b"9" * (sys.get_int_max_str_digits() + 1))


@pytest.mark.django_db
class TestQueries:
    """Who proves nothing costs the database nothing, however large and many they are."""

    def test_wrong_secret(self, client: Client) -> None:
        with CaptureQueriesContext(connection) as queries:
            for number in range(50):
                path = f"/webhooks/billabear/wrong-{number}"
                response = client.post(path, b"x" * 1024 * KIB, content_type="")
                assert response.status_code == 401

        assert len(queries) == 0
        assert not WebhookEvent.objects.exists()

    def test_wrong_signature(self, client: Client, issuer: KindeIssuer) -> None:
        genuine = issuer.sign(kinde_event("t", {"customer_id": "customer_1"}))
        assert client.post("/webhooks/kinde", genuine, content_type="").status_code == 200
        header = {"alg": "RS256", "kid": issuer.kid}
        body = compact(header, b'{"x":"%s"}' % (b"x" * 180 * KIB), TENANT.key)

        with CaptureQueriesContext(connection) as queries:
            for _ in range(50):
                assert client.post("/webhooks/kinde", body, content_type="").status_code == 401

        assert len(queries) == 0
        assert issuer.requests == 1
        assert WebhookEvent.objects.count() == 1
