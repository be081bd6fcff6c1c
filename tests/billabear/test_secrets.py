"""Secrets: which are told, which are made, and how long their URLs may be."""

from __future__ import annotations

import re
from typing import Any

import pytest

from billing_webhooks.providers.billabear import BillaBearProvider
from billing_webhooks.providers.billabear.secrets import length_problem
from tests.checks.told import told

GOOD = "kR3_t-zW9.xLq7VbN2mPd8sY"
BACKEND = "billing_webhooks.providers.billabear.BillaBearProvider"
URL = "https://shop.example.com/webhooks/billabear"


def checked(*secrets: str) -> dict[str, str]:
    provider = BillaBearProvider("shop", {"SECRETS": secrets})
    return {str(message.id): str(message) for message in provider.check()}


@pytest.mark.parametrize("secret", [GOOD, "a-secret-for-the-tests", "0b1e5c1e8a4f4d0e9a446c0b3d6c"])
def test_check__a_random_text_is_well(secret: str) -> None:
    assert checked(secret) == {}


@pytest.mark.parametrize(
    "secret",
    [f"{GOOD}\n", f" {GOOD}", f"{GOOD}/", f"{GOOD}+=", f"{GOOD}@", f"{GOOD}ä", f"{GOOD}%41"],
    ids=repr,
)
def test_check__what_the_form_does_not_accept_is_told(secret: str) -> None:
    messages = checked(GOOD, secret)
    assert list(messages) == ["billing_webhooks.W203"]
    assert GOOD not in str(messages)


@pytest.mark.parametrize(
    "secret",
    [
        "x" * 32,
        "ab" * 12,
        "0123456789" * 3,
        "abcabdabcabcabbacabdabca",
        "changeme-changeme-please",
        "change_me_before_production",
        "ChangeThisSecretPlease00",
        "replace-me-with-something",
        "your-billabear-secret-here",
        "your_secret_goes_in_here",
        "password-password-1234",
        "secret-secret-of-the-shop",
        "BILLABEAR_SECRET_BILLABEAR",
        "billabear-webhook-secret",
        "qwertzuiopasdfghjklyxcvbnm",
        "abcdefghijklmnopqrstuvwxyz",
    ],
)
def test_check__what_is_no_random_text_is_told(secret: str) -> None:
    messages = checked(GOOD, secret)
    assert list(messages) == ["billing_webhooks.W204"]
    assert secret not in str(messages)


def test_check__each_mistake_is_told_once() -> None:
    assert list(checked("short 1", "short 2", "x" * 30, "y" * 30)) == [
        "billing_webhooks.W202",
        "billing_webhooks.W203",
        "billing_webhooks.W204",
    ]


def test_check__one_secret_of_two_aliases_is_told(settings: Any) -> None:
    settings.BILLING_WEBHOOKS_PROVIDERS = {
        "eu": {"BACKEND": BACKEND, "OPTIONS": {"SECRETS": [GOOD, f"{GOOD}-of-eu"]}},
        "us": {"BACKEND": BACKEND, "OPTIONS": {"SECRETS": [f"{GOOD}-of-us", GOOD]}},
        "uk": {"BACKEND": BACKEND, "OPTIONS": {"SECRETS": [f"{GOOD}-of-uk"]}},
    }
    (message,) = told().items()
    assert message[0] == "billing_webhooks.W009"
    assert "'eu' and 'us'" in message[1]
    assert GOOD not in message[1]


def test_new_secret__is_accepted_and_well() -> None:
    made = [BillaBearProvider("shop", {}).new_secret(URL).secret for _ in range(1_000)]
    assert len(set(made)) == 1_000
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{32}", each) for each in made)
    assert [each for each in made if checked(each)] == []


def test_new_secret__is_the_password_of_its_url() -> None:
    new = BillaBearProvider("shop", {}).new_secret(URL)
    assert new.url == f"https://billabear:{new.secret}@shop.example.com/webhooks/billabear"
    assert new.setting == "BILLING_WEBHOOKS_PROVIDERS['shop']['OPTIONS']['SECRETS']"
    assert new.warning == ""


def test_new_secret__is_in_no_repr() -> None:
    new = BillaBearProvider("shop", {}).new_secret(URL)
    assert new.secret not in repr(new)


@pytest.mark.parametrize(
    ("host", "path", "expected"),
    [(15, 75, ""), (16, 74, "16 + 90"), (15, 76, "15 + 91"), (15, 241, "keeps 255 at most")],
)
def test_length__of_host_and_url(host: int, path: int, expected: str) -> None:
    url = f"https://{'h' * host}/".ljust(path + host, "p")
    assert expected in length_problem(url)
    assert bool(length_problem(url)) == bool(expected)
