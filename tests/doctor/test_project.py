"""Who answers a post within the project, if not the endpoint, and what to do about it."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.urls import get_script_prefix, include, path, re_path, set_script_prefix
from django.views.decorators.csrf import csrf_exempt

from billing_webhooks import refusals
from billing_webhooks.findings import Finding
from billing_webhooks.models import RefusalCount, WebhookEvent
from billing_webhooks.probing import leads_to_the_endpoint
from billing_webhooks.providers.billabear import BillaBearProvider
from billing_webhooks.providers.kinde import KindeProvider
from tests.doctor import middleware
from tests.doctor.conftest import doctor
from tests.once import on_one_database

on_one_database()

pytestmark = pytest.mark.usefixtures("well")

MIDDLEWARE = middleware.__name__
CSRF = "django.middleware.csrf.CsrfViewMiddleware"


def test_well__no_problem_and_no_warning() -> None:
    report = doctor()
    assert (report.status, report.problems, report.of("warning")) == (0, [], [])
    assert "'kinde': posts to /webhooks/kinde reach the endpoint, up to 262143 bytes" in report.text
    assert "'billabear': posts to /webhooks/billabear reach the endpoint" in report.text
    assert report.text.endswith("No problem.\n")


def test_well__nothing_is_stored_and_nothing_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        doctor()
    assert not WebhookEvent.objects.exists()
    assert caplog.messages == []
    assert logging.root.manager.disable == logging.NOTSET


@pytest.mark.parametrize("name", ["adds_a_header", "reads_bodies"])
def test_harmless_middleware__no_problem(settings: Any, name: str) -> None:
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, f"{MIDDLEWARE}.{name}"]
    assert doctor().problems == []


@pytest.mark.parametrize(
    ("name", "answered"),
    [
        ("to_another_host", "302 to https://www.example.com/webhooks/kinde"),
        ("to_login", "302 to /accounts/login/"),
        ("shows_login_page", "200"),
        ("refusals_to_login", "302 to /login"),
        ("maintenance", "503"),
        ("fails", "500"),
        ("cannot_be_built", "500"),
        ("CsrfForAll", "403"),
    ],
)
@pytest.mark.parametrize("position", [0, 4, 8], ids=["first", "between", "last"])
def test_middleware_that_answers__is_named(
    settings: Any, name: str, answered: str, position: int
) -> None:
    culprit = f"{MIDDLEWARE}.{name}"
    settings.MIDDLEWARE.insert(position, culprit)

    report = doctor()

    assert report.status == 1
    assert report.problems == [
        f"{alias!r}: a small post to /webhooks/{alias} is answered "
        f"{answered.replace('kinde', alias)} by {culprit}, and not by the endpoint. "
        f"-> Let {culprit} pass /webhooks/{alias} on untouched."
        for alias in ("kinde", "billabear")
    ]


def test_middleware_with_a_limit__is_found_by_the_large_post(settings: Any) -> None:
    settings.MIDDLEWARE = [f"{MIDDLEWARE}.up_to_100_kb", *settings.MIDDLEWARE]
    first, second = doctor().problems
    assert "a post of 262143 bytes to /webhooks/kinde is answered 413 by " in first
    assert "a post of 1048575 bytes to /webhooks/billabear is answered 413 by " in second


def test_middleware_that_answers_seldom__is_told_of(settings: Any) -> None:
    middleware.asked.clear()
    settings.MIDDLEWARE = [f"{MIDDLEWARE}.slows_down", *settings.MIDDLEWARE]
    (problem,) = doctor().problems
    assert "/webhooks/kinde is answered 429, and asked again by the endpoint" in problem
    assert "limits how often" in problem


def test_limit_of_django__is_named_where_somebody_reads_the_body(settings: Any) -> None:
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, f"{MIDDLEWARE}.reads_bodies"]
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 512 * 1024
    (problem,) = doctor().problems
    assert f"by {MIDDLEWARE}.reads_bodies" in problem
    assert "raise DATA_UPLOAD_MAX_MEMORY_SIZE to more than 1048575 bytes" in problem


def test_redirect_to_tls__is_no_problem_for_https(settings: Any) -> None:
    settings.SECURE_SSL_REDIRECT = True
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    assert doctor().problems == []


def test_redirect_to_tls__is_one_for_http(settings: Any) -> None:
    settings.SECURE_SSL_REDIRECT = True
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    first, _ = doctor("--url", "http://shop.example.com/webhooks/").problems
    assert "302" not in first
    assert "301 to https://shop.example.com/webhooks/kinde" in first
    assert "SECURE_SSL_REDIRECT is on: post to https" in first


def test_redirect_to_www__names_its_setting(settings: Any) -> None:
    settings.PREPEND_WWW = True
    check, *posts = doctor().problems
    assert "billing_webhooks.W015" in check
    assert len(posts) == 2
    assert "301 to https://www.shop.example.com/webhooks/kinde" in posts[0]
    assert "PREPEND_WWW = False" in posts[0]


def test_unknown_host__names_its_setting() -> None:
    first, _ = doctor("--url", "https://store.example.com/").problems
    assert "answered 400 by django.middleware.common.CommonMiddleware" in first
    assert "Add 'store.example.com' to ALLOWED_HOSTS" in first


def test_no_host_at_all__names_its_setting(settings: Any) -> None:
    settings.ALLOWED_HOSTS = []
    first, *_ = doctor().problems
    assert "to ALLOWED_HOSTS" in first


def test_any_host__one_is_taken(settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    report = doctor()
    assert report.problems == []
    assert any("--url" in warning for warning in report.of("warning"))


def test_urls__that_are_not_included(settings: Any) -> None:
    settings.ROOT_URLCONF = "django.contrib.auth.urls"
    check, *posts = doctor().problems
    assert "billing_webhooks.W013" in check
    assert len(posts) == 2
    assert all("Add path('webhooks/', include('billing_webhooks.urls'))" in post for post in posts)


@csrf_exempt
def page(request: HttpRequest, **_: Any) -> HttpResponse:
    return HttpResponse("A page of the shop.")


def test_urls__none_at_all(settings: Any) -> None:
    del settings.ROOT_URLCONF
    first, second = doctor().problems
    assert first.startswith("'kinde': it has no address")
    assert second.startswith("'billabear': it has no address")


def test_urls__below_a_script_name(settings: Any) -> None:
    settings.FORCE_SCRIPT_NAME = "/shop"
    before = get_script_prefix()
    set_script_prefix("/shop/")
    try:
        report = doctor()
    finally:
        set_script_prefix(before)
    assert report.problems == []
    assert "the URL https://shop.example.com/shop/webhooks/billabear" in report.text


@pytest.mark.parametrize(
    ("path", "expected"),
    [("/webhooks/kinde", True), ("/webhooks/kinde/", True), ("/admin/", False), ("/no/", False)],
)
def test_leads_to_the_endpoint__its_own_paths_alone(path: str, expected: bool) -> None:
    assert leads_to_the_endpoint(path) == expected


def test_url__that_is_too_long_for_its_provider(settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["billing.webhooks.of-a-shop.example.com"]
    (problem,) = doctor().problems
    assert "'billabear': Host and URL have" in problem
    assert "-> Choose a shorter host" in problem


def test_urls__behind_a_pattern_that_takes_all(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    urls = ModuleType("urls_of_a_shop")
    ours = path("webhooks/", include("billing_webhooks.urls"))
    urls.urlpatterns = [re_path(r"", page), ours]  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, urls.__name__, urls)
    settings.ROOT_URLCONF, settings.MIDDLEWARE = urls.__name__, []
    first, _ = doctor().problems
    assert "is answered 200, and not by the endpoint" in first
    assert "before whatever pattern takes its path" in first


class Credulous(BillaBearProvider):
    """A provider that takes whatever comes."""

    def _is_proven(self, delivery: object) -> bool:
        return True


class Broken(KindeProvider):
    """A provider whose parts all fail."""

    def verify(self, delivery: object) -> Any:
        raise RuntimeError("a fault of the provider's")

    def diagnose(self, url: str) -> Iterator[Finding]:
        raise RuntimeError("another one")


def test_provider__that_takes_what_is_not_proven(settings: Any) -> None:
    settings.BILLING_WEBHOOKS_PROVIDERS["billabear"]["BACKEND"] = f"{__name__}.Credulous"
    (problem,) = doctor().problems
    assert "answered 400: it is taken, though it proves nothing. -> Correct" in problem


def test_provider__that_fails_is_not_the_end(settings: Any) -> None:
    settings.BILLING_WEBHOOKS_PROVIDERS["kinde"]["BACKEND"] = f"{__name__}.Broken"
    report = doctor()
    own, post = report.problems
    assert "its own diagnosis failed (RuntimeError)" in own
    assert "answered 503 by the endpoint" in post
    assert "'billabear': posts to /webhooks/billabear reach the endpoint" in report.text


@pytest.mark.parametrize("value", [{"kinde": {}}, ["kinde"]], ids=["entry", "type"])
def test_provider__that_cannot_be_built_is_told_by_the_checks(settings: Any, value: Any) -> None:
    settings.BILLING_WEBHOOKS_PROVIDERS = value
    (problem,) = doctor().problems
    assert "BILLING_WEBHOOKS_PROVIDERS" in problem


def test_probes__are_not_counted(
    well: object, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.BILLING_WEBHOOKS_REFUSALS_KEPT = 200
    monkeypatch.setattr(refusals.Ledger, "_write_soon", lambda ledger: None)
    assert doctor().status == 0
    refusals.ledger.write()

    assert not RefusalCount.objects.exists()
