"""What the REST API needs and is not there, or is too old, is told where it is included."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from django.urls import include, path

from billing_webhooks.checks import api
from tests.checks.told import told
from tests.once import on_one_database

on_one_database()

PROJECT = Path(__file__).parent.parent.parent / "pyproject.toml"
WITHOUT = """
import sys, warnings

for name in ("rest_framework", "django_filters", "drf_spectacular"):
    sys.modules[name] = None

import django
django.setup()

from django.core.management import call_command
from django.test import Client

call_command("check")
answer = Client().post("/billing/v1/customers/kinde/customer_ada/")
print(answer.status_code, answer.json()["code"], Client().get("/billing/").status_code)
"""
# Where a project of its own includes the API, below addresses of its own.
urlpatterns = [path("a/", include([path("b/", include("billing_webhooks.api.urls"))]))]


@pytest.fixture
def lacking(monkeypatch: pytest.MonkeyPatch) -> None:
    needed = {**api.NEEDED, "nothing_like_it": ("nothing-like-it", "1")}
    needed["rest_framework"] = ("djangorestframework", "99.1")
    monkeypatch.setattr(api, "NEEDED", needed)


def test_needs__are_those_of_the_extra() -> None:
    extras = tomllib.loads(PROJECT.read_text())["project"]["optional-dependencies"]

    assert sorted(f"{name}>={version}" for name, version in api.NEEDED.values()) == sorted(
        extras["api"]
    )


def test_missing__has_what_cannot_be_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    assert api.missing() == []
    monkeypatch.setitem(sys.modules, "django_filters", None)

    assert api.missing() == ["django-filter"]


@pytest.mark.usefixtures("lacking")
def test_api__without_what_it_needs_is_told() -> None:
    (text,) = told().values()

    assert "nothing-like-it" in text
    assert "djangorestframework from 99.1 on, not 3." in text
    assert "pip install 'django-billing-webhooks[api]'" in text


@pytest.mark.usefixtures("lacking")
def test_api__that_is_included_somewhere_is_found(settings: Any) -> None:
    settings.ROOT_URLCONF = __name__

    assert "billing_webhooks.W019" in told()


@pytest.mark.usefixtures("lacking")
@pytest.mark.parametrize("urls", ["billing_webhooks.urls", "billing_webhooks.health_urls", None])
def test_api__that_is_not_included_needs_nothing(settings: Any, urls: str | None) -> None:
    settings.ROOT_URLCONF = urls

    assert "billing_webhooks.W019" not in told()


def test_api__without_what_it_needs_answers_503_and_lets_the_others_be() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", WITHOUT], capture_output=True, text=True, check=False
    )

    assert ended.stdout.splitlines()[-1:] == ["503 not_installed 404"], ended.stderr
    assert "W019" in ended.stderr
    for name, _ in api.NEEDED.values():
        assert name in ended.stderr
