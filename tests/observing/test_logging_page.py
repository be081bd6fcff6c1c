"""The settings of docs/logging.md, each as a project would use it."""

from __future__ import annotations

import json
import logging
import re
import subprocess
import sys
from typing import Any

import pytest
import structlog
from django.test import Client

from billing_webhooks.lifecycle import Name
from billing_webhooks.signals import event_processed
from tests.conftest import Connect, PostKinde
from tests.endpoint.deliveries import send
from tests.once import on_one_database
from tests.played import EXAMPLE, clean_environment
from tests.test_docs import blocks

on_one_database()

PAGE = EXAMPLE.parent / "docs" / "logging.md"
# Settings are what the page's blocks leave behind, up to one of them.
PROJECT = """
import sys
page = {"__name__": "page"}
for code in sys.argv[1:]:
    exec(compile(code, "page", "exec"), page)
import django
from django.conf import settings
settings.configure(
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "billing_webhooks"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    ROOT_URLCONF="billing_webhooks.urls", SECRET_KEY="x", LOGGING=page["LOGGING"],
    BILLING_WEBHOOKS_PROVIDERS={"shop": {
        "BACKEND": "billing_webhooks.providers.billabear.BillaBearProvider",
        "OPTIONS": {"SECRETS": ["secret"]},
    }},
)
django.setup()
from django.core.management import call_command
from django.test import Client
from billing_webhooks.signals import event_processed
call_command("migrate", verbosity=0)
event_processed.connect(lambda **kwargs: 1 / 0, weak=False, dispatch_uid="books")
if "structlog" in page:
    page["structlog"].contextvars.bind_contextvars(order=7)
    page["structlog"].get_logger("shop").warning("shipped", parcels=2)
body = '{"type": "customer_created", "customer": {"id": "0b1e5c1e-8a4f-4d0e-9a44-6c0b3d6c2f11"}}'
Client().post("/shop/secret", body, content_type="text/plain")
Client().post("/shop/wrong", body, content_type="text/plain")
"""


def logged(number: int) -> list[str]:
    """Return what a project with the first blocks of the page logs of an event and a refusal."""
    ended = subprocess.run(
        [sys.executable, "-c", PROJECT, *blocks(PAGE, "python")[:number]],
        env=clean_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stderr.splitlines()


def test_lines__without_what_was_silenced() -> None:
    lines = logged(1)

    said = [line.split(" webhook.")[1].split()[0] for line in lines if " webhook." in line]
    assert said == ["applied", "receiver_failed", "postponed", "rejected"]
    assert "ZeroDivisionError: division by zero" in lines


@pytest.mark.parametrize(("number", "traceback"), [(2, "traceback"), (3, "exception")])
def test_json__each_line_with_its_fields(number: int, traceback: str) -> None:
    lines = [line for line in map(json.loads, logged(number)) if line["logger"] != "shop"]

    applied, failed, postponed, rejected = lines
    assert len({line["event_id"] for line in (applied, failed, postponed)}) == 1
    assert {line["provider"] for line in lines} == {"shop"}
    assert (failed["step"], failed["receiver"]) == ("receiver_failed", "books")
    assert "ZeroDivisionError" in failed[traceback]
    assert postponed["duration_ms"] >= 0
    assert (rejected["reason"], rejected["status_code"]) == ("secret", 401)
    assert all("request" not in line for line in lines)


def test_structlog__own_lines_and_ours_are_of_one_kind() -> None:
    lines: list[dict[str, Any]] = [json.loads(line) for line in logged(3)]

    own, applied = lines[:2]
    assert (own["event"], own["parcels"], own["logger"]) == ("shipped", 2, "shop")
    assert own.keys() - {"parcels"} <= applied.keys()
    assert {line["order"] for line in lines} == {7}


# What is another each time: ids and times.
VARYING = (
    (r"event=[\w…-]+", "event=E"),
    (r'"event_id": "[^"]+"', '"event_id": "E"'),
    (r'"timestamp": "[^"]+"', '"timestamp": "T"'),
    (r"(_?ms\"?[=:] ?)\d+\.\d", r"\1N"),
)


def without_what_varies(text: str) -> str:
    for pattern, same in VARYING:
        text = re.sub(pattern, same, text)
    return text


def examples() -> list[str]:
    """Return the lines of output that the page shows."""
    return [
        without_what_varies(line.strip())
        for line in PAGE.read_text().splitlines()
        if line.startswith(("    webhook.", "    {"))
    ]


@pytest.mark.django_db(transaction=True)
def test_examples__are_what_is_logged(
    caplog: pytest.LogCaptureFixture,
    client: Client,
    connect: Connect,
    post_kinde: PostKinde,
) -> None:
    caplog.set_level(logging.INFO)
    connect(event_processed, lambda **kwargs: None, "shop.billing.welcome")
    post_kinde("customer.payment_succeeded", {"customer_id": "customer_1"})
    client.post("/webhooks/kinde", b"{}", content_type="text/plain")
    send(client, b"[]")

    *lines, as_json = examples()
    assert [without_what_varies(line) for line in caplog.messages] == lines
    page: dict[str, Any] = {}
    for code in blocks(PAGE, "python"):
        exec(compile(code, "page", "exec"), page)  # noqa: S102 - our own text
    options = page["LOGGING"]["formatters"]["structlog"]
    formatter = structlog.stdlib.ProcessorFormatter(
        **{name: value for name, value in options.items() if name != "()"}
    )
    structlog.reset_defaults()
    logging.setLoggerClass(logging.Logger)
    assert without_what_varies(formatter.format(caplog.records[3])) == as_json


def test_page__names_every_step() -> None:
    assert {name for name in Name if f"| `{name}` |" not in PAGE.read_text()} == set()
