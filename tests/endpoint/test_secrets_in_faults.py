"""What an error report could show of a secret, wherever a fault strikes."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from django.test import Client
from django.views.debug import ExceptionReporter

import billing_webhooks
from tests.billabear.deliveries import request_of
from tests.conftest import SECRET, basic
from tests.endpoint.deliveries import BODY

pytestmark = pytest.mark.django_db

PACKAGE = str(Path(billing_webhooks.__file__).parent)
# What error trackers commonly leave out of a frame, by the names of its variables.
HIDDEN_BY_NAME = {"token", "secret", "password", "credentials", "authorization", "auth"}

# What handles the whole configuration; its faults are told without a traceback.
CONFIGURES = {
    *("__get__", "get_provider", "_build", "__init__", "client_of"),
    *("<listcomp>", "<genexpr>"),
}

URLS = {
    "password": "https://billabear:{}@host/webhooks/billabear",
    "user": "https://{}@host/webhooks/billabear",
    "path": "https://host/webhooks/billabear/{}",
    "query": "https://host/webhooks/billabear?token={}",
}
places = pytest.mark.parametrize("url", URLS.values(), ids=URLS)


def shown(value: Any) -> str:
    try:
        return repr(value)
    except AttributeError:
        # It is being made.
        return ""


@contextmanager
def watched() -> Iterator[set[tuple[str, str]]]:
    """Collect, line by line, the variables of our frames whose repr holds the secret."""
    seen: set[tuple[str, str]] = set()
    texts = (SECRET, basic(SECRET).split()[1], basic("billabear", SECRET).split()[1])

    def watch(frame: FrameType, what: str, argument: Any) -> Any:
        if not frame.f_code.co_filename.startswith(PACKAGE):
            return None
        for name, value in list(frame.f_locals.items()):
            if any(text in shown(value) for text in texts):
                seen.add((frame.f_code.co_name, name))
        return watch

    before = sys.gettrace()
    sys.settrace(watch)
    try:
        yield seen
    finally:
        sys.settrace(before)


@places
def test_variables__that_hold_a_secret_have_names_that_hide_it(client: Client, url: str) -> None:
    path, headers = request_of(url.format(SECRET))
    with watched() as seen:
        answer = client.post(path, BODY, content_type="", headers=headers)

    assert answer.status_code == 200
    exposed = {each for each in seen if each[1] not in HIDDEN_BY_NAME and each[0] not in CONFIGURES}
    # The request is Django's own, and is cleaned before anything else is done with it.
    assert {name for _, name in exposed} <= {"request"}
    assert {where for where, _ in exposed} <= {
        *("receive", "_delivery", "_parameters", "_hide_secrets")
    }


def test_wrong_configuration__told_without_it(
    client: Client, caplog: pytest.LogCaptureFixture, settings: Any
) -> None:
    settings.BILLING_WEBHOOKS_PROVIDERS = {
        "billabear": {
            "BACKEND": "billing_webhooks.providers.billabear.BillaBearProvider",
            "OPTIONS": {"SECRETS": SECRET},
        },
    }
    assert client.post("/webhooks/billabear", BODY, content_type="").status_code == 503

    (record,) = caplog.records
    assert record.exc_info is not None
    _, error, traceback = record.exc_info
    assert "must be a list of texts" in str(error)
    assert traceback is None


def a_fault(*args: Any) -> None:
    raise RuntimeError("a fault of ours")


@places
@pytest.mark.parametrize(
    "where",
    [
        "billing_webhooks.providers.billabear.provider._digest",
        "billing_webhooks.providers.billabear.provider._transport_problem",
        "billing_webhooks.intake.store",
    ],
)
def test_report__has_no_secret(
    client: Client,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    url: str,
    where: str,
) -> None:
    monkeypatch.setattr(where, a_fault)
    path, headers = request_of(url.format(SECRET))
    answer = client.post(path, BODY, content_type="", headers=headers)

    assert answer.status_code == 503
    (record,) = caplog.records
    reporter = ExceptionReporter(record.request, *record.exc_info)  # type: ignore[attr-defined, misc]
    report = reporter.get_traceback_html() + reporter.get_traceback_text()
    assert "a fault of ours" in report
    for text in (SECRET, basic(SECRET).split()[1], basic("billabear", SECRET).split()[1]):
        assert text not in report
    assert "one@example.org" not in report
