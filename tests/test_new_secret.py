"""A fresh secret, with the whole URL to paste and where to put it."""

from __future__ import annotations

import re
from io import StringIO
from typing import Any, NamedTuple

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from tests.conftest import basic
from tests.once import on_one_database

on_one_database()

BACKEND = "billing_webhooks.providers.billabear.BillaBearProvider"
SHOP = "https://shop.example.com/webhooks/"
WHOLE = re.compile(r"https://billabear:([A-Za-z0-9_-]{32})@([^\s]+)")


class Said(NamedTuple):
    out: str
    err: str

    @property
    def secret(self) -> str:
        return str(WHOLE.findall(self.out)[0][0])

    @property
    def address(self) -> str:
        """Return what stands behind the secret in the URL."""
        return str(WHOLE.findall(self.out)[0][1])


def new_secret(*arguments: str) -> Said:
    out, err = StringIO(), StringIO()
    call_command("billing_webhooks", "new_secret", *arguments, stdout=out, stderr=err)
    return Said(out.getvalue(), err.getvalue())


def test_only_one_needs_a_secret__is_taken() -> None:
    said = new_secret("--url", SHOP)
    assert said.address == "shop.example.com/webhooks/billabear"
    assert said.out.count(said.secret) == 2
    assert "BILLING_WEBHOOKS_PROVIDERS['billabear']['OPTIONS']['SECRETS']" in said.out
    assert said.err == ""


def test_each_time__another() -> None:
    assert new_secret("--url", SHOP).secret != new_secret("--url", SHOP).secret


@pytest.mark.django_db
def test_pasted_url__is_let_in(client: Client, settings: Any) -> None:
    said = new_secret("--url", SHOP)
    settings.BILLING_WEBHOOKS_PROVIDERS = {
        "billabear": {"BACKEND": BACKEND, "OPTIONS": {"SECRETS": [said.secret]}}
    }
    path = "/" + said.address.partition("/")[2]
    header = {"Authorization": basic("billabear", said.secret)}
    body = '{"type":"usage_warning_triggered"}'
    assert client.generic("POST", path, body, headers=header).status_code == 200
    assert client.generic("POST", path, body).status_code == 401


@pytest.mark.parametrize(
    ("hosts", "expected"),
    [
        (["localhost", "127.0.0.1", "[::1]", "shop.example.com", "example.com"], "shop.example"),
        (["*", ".shop.example.com"], "shop.example"),
        (["dev.localhost", "shop.example.com"], "shop.example"),
    ],
)
def test_host__by_allowed_hosts(settings: Any, hosts: list[str], expected: str) -> None:
    settings.ALLOWED_HOSTS = hosts
    assert new_secret().address == f"{expected}.com/webhooks/billabear"


@pytest.mark.parametrize("hosts", [[], ["*"], ["localhost", "127.0.0.1"]], ids=str)
@pytest.mark.parametrize("debug", [False, True], ids=["", "debug"])
def test_host__unknown_asks_for_url(settings: Any, hosts: list[str], debug: bool) -> None:
    settings.ALLOWED_HOSTS, settings.DEBUG = hosts, debug
    with pytest.raises(CommandError, match="--url https://"):
        new_secret()


@pytest.mark.parametrize(
    "url",
    ["https://shop.example.com", "https://SHOP.example.com/", "https://shop.example.com/webhooks"],
)
def test_url__path_is_the_project_s_own(url: str) -> None:
    said = new_secret("--url", url)
    assert (said.address, said.err) == ("shop.example.com/webhooks/billabear", "")


def test_url__another_path_warns() -> None:
    said = new_secret("--url", "https://shop.example.com:8443/hooks/")
    assert said.address == "shop.example.com:8443/webhooks/billabear"
    assert "answers at /webhooks/billabear, and not at /hooks/billabear" in said.err


def test_url__without_tls_warns() -> None:
    assert "Without TLS" in new_secret("--url", "http://shop.example.com/").err


def test_url__too_long_warns_and_says_no_secret_again() -> None:
    said = new_secret("--url", "https://billing.webhooks.of-a-shop.example.com/")
    assert "more than 105" in said.err
    assert "Choose a shorter host" in said.err
    assert said.secret not in said.err


def test_several__one_must_be_named(settings: Any) -> None:
    settings.BILLING_WEBHOOKS_PROVIDERS = {"eu": {"BACKEND": BACKEND}, "us": {"BACKEND": BACKEND}}
    with pytest.raises(CommandError, match="say which one is meant: eu, us"):
        new_secret("--url", SHOP)
    assert new_secret("us", "--url", SHOP).address == "shop.example.com/webhooks/us"


def test_alias__unknown_names_those_there_are() -> None:
    with pytest.raises(CommandError, match="Configured are: billabear, kinde"):
        new_secret("stripe", "--url", SHOP)


def test_alias__that_needs_none() -> None:
    with pytest.raises(CommandError, match="'kinde' needs no secret"):
        new_secret("kinde", "--url", SHOP)


def test_nobody__needs_one(settings: Any) -> None:
    settings.BILLING_WEBHOOKS_PROVIDERS = {}
    with pytest.raises(CommandError, match="No configured provider needs a secret"):
        new_secret("--url", SHOP)


def test_urls__that_are_not_included(settings: Any) -> None:
    settings.ROOT_URLCONF = "django.contrib.auth.urls"
    with pytest.raises(CommandError, match="URLs of this app are not included"):
        new_secret("--url", SHOP)
