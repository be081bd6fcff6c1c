"""Problem details: whatever goes wrong, in words of ours."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client
from rest_framework import exceptions

from billing_webhooks.api import problems
from billing_webhooks.api.problems import CODES, WORDS, Code
from billing_webhooks.api.throttling import RATES
from tests.api.asking import ROOT, Ask, asking, problem
from tests.once import on_one_database

on_one_database()

pytestmark = pytest.mark.django_db

SENT = "<script>&secret"


def test_words__are_there_for_every_code() -> None:
    assert WORDS.keys() == set(Code)


@pytest.mark.parametrize("error", [error for error in CODES if error is not exceptions.Throttled])
def test_answer__repeats_nothing_of_the_error(error: Any) -> None:
    takes_two = error is exceptions.UnsupportedMediaType
    answer = problems.answer(error(SENT) if not takes_two else error(SENT, SENT), {})

    assert answer is not None
    assert answer.data["code"] == CODES[error]
    assert SENT not in str(answer.data)


def test_answer__of_an_error_of_the_projects_own() -> None:
    class Teapot(exceptions.APIException):
        status_code = 418
        default_detail = SENT

    answer = problems.answer(Teapot(), {})
    assert answer is not None
    assert (answer.status_code, answer.data["code"]) == (418, "request_failed")
    assert SENT not in str(answer.data)


def test_answer__of_a_database_that_is_away() -> None:
    answer = problems.answer(OperationalError("the password is x"), {})

    assert answer is not None
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert answer.data["code"] == "unavailable"


def test_answer__of_a_fault_is_left_to_the_project() -> None:
    assert problems.answer(RuntimeError(), {}) is None


def test_nobody__is_refused(client: Client) -> None:
    assert problem(asking(client)("customers/"), 403) == "not_authenticated"


def test_credentials__that_are_wrong(client: Client) -> None:
    answer = asking(client)("customers/", headers={"Authorization": "Basic eDp5"})

    # The session, which is asked first, has no challenge.
    assert problem(answer, 403) == "authentication_failed"


def test_accept__what_there_is_not(ask: Ask) -> None:
    for accept in ("text/html", "image/png, text/*;q=0.1", "json", ";"):
        assert problem(ask("customers/", headers={"Accept": accept}), 406) == "not_acceptable"


@pytest.mark.parametrize(
    "accept", ["*/*", "application/*", "text/html, */*;q=0.1", "", " , ", "application/json;q=0.5"]
)
def test_accept__what_there_is(ask: Ask, accept: str) -> None:
    assert ask("customers/", headers={"Accept": accept}).status_code == 200


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete", "options", "trace", "foo"])
def test_method__that_there_is_not(ask: Ask, method: str) -> None:
    answer = ask("customers/", method)

    assert problem(answer, 405) == "method_not_allowed"
    assert answer.headers["Allow"] == "GET, HEAD"


def test_throttle__by_a_rate_of_our_own(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(RATES, "billing_webhooks", "1/hour")
    assert ask("customers/").status_code == 200
    answer = ask("plans/")

    assert problem(answer, 429) == "throttled"
    assert int(answer.headers["Retry-After"]) > 0
    assert ask("me/customers/").status_code == 200


def test_throttle__without_a_cache_refuses_nobody(
    ask: Ask, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            # Nobody listens there.
            "LOCATION": "redis://127.0.0.1:1/0",
        }
    }
    assert ask("customers/").status_code == 200
    assert "No rates are kept" in caplog.text


@pytest.mark.parametrize(
    ("scope", "address", "method"),
    [
        ("billing_webhooks", "events/", "get"),
        ("billing_webhooks_me", "me/access/", "get"),
        ("billing_webhooks_actions", "events/x/replay/", "post"),
        ("billing_webhooks_actions", "events/x/release/", "post"),
    ],
)
def test_throttle__by_the_projects_rate(
    ask: Ask, settings: Any, scope: str, address: str, method: str
) -> None:
    settings.REST_FRAMEWORK = {"DEFAULT_THROTTLE_RATES": {scope: "1/day"}}
    ask(address, method)

    assert problem(ask(address, method), 429) == "throttled"


@pytest.mark.parametrize("rate", [None, "100/min"])
def test_throttle__switched_off_or_widened(ask: Ask, settings: Any, rate: str | None) -> None:
    settings.REST_FRAMEWORK = {"DEFAULT_THROTTLE_RATES": {"billing_webhooks": rate}}

    assert {ask("plans/").status_code for _ in range(3)} == {200}


def test_settings__of_the_framework_change_nothing(ask: Ask, settings: Any) -> None:
    before = ask("customers/").content
    settings.REST_FRAMEWORK = {
        "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.AllowAny"],
        "DEFAULT_PAGINATION_CLASS": "rest_framework.pagination.PageNumberPagination",
        "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.BrowsableAPIRenderer"],
        "DEFAULT_VERSIONING_CLASS": "rest_framework.versioning.AcceptHeaderVersioning",
        "EXCEPTION_HANDLER": "tests.api.nothing",
        "URL_FORMAT_OVERRIDE": "limit",
        "DATETIME_FORMAT": "%Y",
        "COERCE_DECIMAL_TO_STRING": False,
    }

    assert ask("customers/").content == before
    assert problem(ask("customers/none/none/"), 404) == "not_found"
    assert ask("customers/", limit="1").status_code == 200
    assert asking(Client())("customers/").status_code == 403


def test_address__that_there_is_not(client: Client) -> None:
    assert client.get(f"{ROOT}nothing/").status_code == 404
