"""Every code block of the documentation runs, and every link in it leads somewhere."""

from __future__ import annotations

import gc
import logging
import re
import shlex
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest
import structlog
from django.core.management import call_command
from django.test import Client
from opentelemetry import trace

from billing_webhooks import signals
from billing_webhooks.conf import PREFIX, Settings
from billing_webhooks.models import Customer, Plan
from billing_webhooks.providers.billabear import signals as billabear
from billing_webhooks.providers.kinde import signals as kinde
from tests.conftest import SECRET
from tests.once import on_one_database
from tests.tracing.spans import PROVIDER

on_one_database()

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^( *)```(\w+)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?!https?:)([^)#]+)")

by_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


def blocks(page: Path, language: str) -> list[str]:
    found = BLOCK.findall(page.read_text())
    return [textwrap.dedent(code) for _, spoken, code in found if spoken == language]


def test_blocks__are_all_of_a_kind_that_is_run() -> None:
    spoken = {language for page in PAGES for _, language, _ in BLOCK.findall(page.read_text())}
    assert spoken == {"python", "console"}


@pytest.mark.django_db(transaction=True)
@by_page
def test_python__runs(page: Path, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    # A process may set one only once, and the tests have theirs.
    monkeypatch.setattr(trace, "set_tracer_provider", PROVIDER.put)
    namespace: dict[str, Any] = {"__name__": "example", "client": client, "SECRET": SECRET}
    try:
        for code in blocks(page, "python"):
            exec(compile(code, page.name, "exec"), namespace)  # noqa: S102 - our own text
    finally:
        PROVIDER.put(trace.NoOpTracerProvider())
        structlog.reset_defaults()
        logging.setLoggerClass(logging.Logger)
        # The receivers on the page must not hear the events of other tests.
        namespace.clear()
        gc.collect()


@pytest.mark.django_db
@pytest.mark.usefixtures("issuer")
@by_page
def test_console__commands_exist(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Some of them write files.
    monkeypatch.chdir(tmp_path)
    # The customer whom the pages ask about.
    plan = Plan.objects.create(provider="kinde", code="pro")
    Customer.objects.create(
        provider="kinde", external_id="customer_ada", email="ada@example.org", plan=plan
    )
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    for line in "".join(blocks(page, "console")).splitlines():
        program, *arguments = shlex.split(line)
        if program == "make":
            assert set(arguments) <= set(targets)
        elif arguments[0] == "manage.py":
            call_command(*arguments[1:])
        elif program == "python":
            subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
        else:
            assert line in {
                "pip install django-billing-webhooks",
                "pip install django-billing-webhooks[api]",
                "pip install django-billing-webhooks[celery]",
                "pip install django-billing-webhooks[charts]",
                "pip install django-billing-webhooks[metrics]",
                "pip install django-billing-webhooks[health-check]",
                "pip install django-billing-webhooks[traces]",
            }


@by_page
def test_links__lead_somewhere(page: Path) -> None:
    for target in LINK.findall(page.read_text()):
        assert (page.parent / target).exists(), target


def test_signals_page__names_every_domain_signal() -> None:
    text = (ROOT / "docs" / "signals.md").read_text()
    missing = [name for name in signals.DOMAIN_SIGNALS if f"`{name}`" not in text]
    assert not missing


@pytest.mark.parametrize(
    ("name", "types"), [("kinde", kinde.SIGNALS), ("billabear", billabear.SIGNALS)]
)
def test_provider_pages__name_every_event_type(name: str, types: dict[str, Any]) -> None:
    text = (ROOT / "docs" / f"{name}.md").read_text()
    families = re.findall(r"`([a-z_]+)_…[a-z_]*`", text)
    for event_type in types:
        assert f"`{event_type}`" in text or event_type.startswith(tuple(families)), event_type


def test_settings_page__names_every_setting() -> None:
    text = (ROOT / "docs" / "settings.md").read_text()
    for name in (name for name in vars(Settings) if name.isupper()):
        assert f"`{PREFIX}{name}`" in text


def test_checks_page__names_every_id_and_no_other() -> None:
    page = (ROOT / "docs" / "checks.md").read_text()
    code = "".join(path.read_text() for path in (ROOT / "billing_webhooks").rglob("*.py"))
    told = re.findall(r"billing_webhooks\.W\d+", code)
    assert re.findall(r"^\| `(billing_webhooks\.\w+)`", page, re.MULTILINE) == sorted(set(told))
