"""Why there is no key set, and whose clock is wrong, in words that say what to do."""

from __future__ import annotations

import time
from collections.abc import Callable
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest

from billing_webhooks.findings import Finding, Level
from billing_webhooks.providers import get_provider
from billing_webhooks.providers.kinde.diagnosis import clock_finding, diagnose
from billing_webhooks.testing import KindeIssuer
from tests.kinde.conftest import configure
from tests.kinde.origin import Answer, Origin, answer
from tests.servers.certificates import self_signed

HOUR, DAY = 60 * 60, 24 * 60 * 60


def found() -> list[Finding]:
    return list(get_provider("kinde").diagnose(""))


def test_good_key_set__is_well(issuer: KindeIssuer) -> None:
    keys, clock = found()
    assert (keys.level, clock.level) == (Level.OK, Level.OK)
    assert "holds 1 usable key." in keys.what
    assert "clock agrees" in clock.what


def test_good_key_set__is_asked_for_anew_each_time(issuer: KindeIssuer) -> None:
    found(), found()
    assert issuer.requests == 2


ANSWERS: dict[str, tuple[Answer, str, str]] = {
    "redirect": (
        answer(b"", "301 Moved", "Location: https://acme.kinde.com/keys?token=a-secret"),
        "redirects to https://acme.kinde.com/keys, which is not followed",
        "as ISSUER",
    ),
    "404": (answer(b"{}", "404 Not Found"), "it answered 404", "JWKS_URL"),
    "401": (answer(b"{}", "401 Unauthorized"), "it answered 401", "JWKS_URL"),
    "429": (answer(b"{}", "429 Too Many Requests"), "it answered 429", "Wait"),
    "503": (answer(b"{}", "503 Service Unavailable"), "it answered 503", "Wait"),
    "html": (answer(b"\n<!DOCTYPE html>"), "a page for people", "ISSUER"),
    "no JSON": (answer(b"keys"), "it is", "ISSUER"),
    "empty": (answer(b""), "it is", "ISSUER"),
    "no key": (answer(b'{"keys": []}'), "holds no RSA key", "JWKS_URL"),
    "no key set": (answer(b"[]"), "holds no RSA key", "JWKS_URL"),
    "no HTTP": (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", "the connection fails (BadStatusLine)", "firewall"),
    "huge": (answer(b" " * 600_000), "larger than", "ISSUER"),
}


@pytest.mark.parametrize(("given", "what", "advice"), ANSWERS.values(), ids=ANSWERS)
def test_useless_answer__is_explained(
    origin: Origin, given: Answer, what: str, advice: str
) -> None:
    origin.answer = given
    problem, *rest = found()
    assert problem.level == Level.PROBLEM
    assert what in problem.what
    assert advice in problem.advice
    assert "a-secret" not in str(problem)
    assert all(each.level == Level.OK for each in rest)


@pytest.mark.parametrize(
    ("url", "what", "advice"),
    [
        ("http://127.0.0.1:1/jwks", "nobody listens there", "whether the server runs"),
        ("https://acme.kinde.invalid/jwks", "its name is not known", "DNS"),
        ("http://acme.kinde.com/jwks", "only https URLs are fetched", "ISSUER"),
    ],
)
def test_no_connection__is_explained(url: str, what: str, advice: str) -> None:
    (problem,) = diagnose("kinde", url)
    assert problem.level == Level.PROBLEM
    assert what in problem.what
    assert advice in problem.advice


@pytest.fixture
def untrusted(origin: Origin, tmp_path: Path) -> str:
    """The URL of a key set whose certificate is its server's own word."""
    context = self_signed("127.0.0.1", tmp_path)
    origin._server.socket = context.wrap_socket(origin._server.socket, server_side=True)
    return origin.url.replace("http:", "https:")


def test_certificate_of_nobody__is_explained(untrusted: str) -> None:
    (problem,) = diagnose("kinde", untrusted)
    assert "its certificate is not valid" in problem.what
    assert "CA certificates" in problem.advice


def test_url_with_secrets__is_shown_without(settings: Any) -> None:
    url = "http://u:a-secret@127.0.0.1:1/k?a-secret"
    configure(settings, ISSUER="http://127.0.0.1", JWKS_URL=url)
    (problem,) = found()
    assert "http://127.0.0.1:1/k:" in problem.what
    assert "a-secret" not in str(problem)


Dated = Callable[..., list[Finding]]


@pytest.fixture
def dated(origin: Origin, issuer: KindeIssuer) -> Dated:
    """Find what an answer shows that was dated so many seconds from now."""

    def find(seconds: float, *headers: str) -> list[Finding]:
        date = formatdate(time.time() + seconds, usegmt=True)
        origin.answer = answer(issuer.jwks, "200 OK", f"Date: {date}", *headers)
        return found()

    return find


@pytest.mark.parametrize(
    ("seconds", "level", "words"),
    [
        (0, Level.OK, "agrees"),
        (50, Level.OK, "agrees"),
        (-50, Level.OK, "agrees"),
        (HOUR, Level.WARNING, "behind Kinde's"),
        (-HOUR, Level.WARNING, "ahead of Kinde's"),
        (2 * DAY, Level.PROBLEM, "behind Kinde's"),
        (-2 * DAY, Level.PROBLEM, "ahead of Kinde's"),
    ],
)
def test_clock__of_this_machine(dated: Dated, seconds: int, level: Level, words: str) -> None:
    _, clock = dated(seconds)
    assert clock.level == level
    assert words in clock.what
    assert ("NTP" in clock.advice) == (level != Level.OK)


def test_clock__an_answer_out_of_a_cache_is_older_and_says_so(dated: Dated) -> None:
    _, clock = dated(-HOUR, f"Age: {HOUR}")
    assert clock.level == Level.OK


@pytest.mark.parametrize("said_at", [1000, 1060, 1120])
def test_clock__the_time_an_answer_takes_is_no_skew(said_at: int) -> None:
    """The date may be of any moment between question and answer."""
    headers = {"date": formatdate(said_at, usegmt=True)}
    assert clock_finding("kinde", headers, 1000.9, 1120.0).level == Level.OK


@pytest.mark.parametrize("header", ["Date: yesterday", "Date:", "X: x"])
def test_clock__without_a_date_is_not_judged(
    origin: Origin, issuer: KindeIssuer, header: str
) -> None:
    origin.answer = answer(issuer.jwks, "200 OK", header)
    _, clock = found()
    assert clock.level == Level.OK
    assert "not compared" in clock.what
