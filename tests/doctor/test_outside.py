"""What stands before the project and keeps posts from it is found over the network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from billing_webhooks.models import WebhookEvent
from tests.doctor.conftest import doctor
from tests.doctor.proxy import Behaviour, proxy
from tests.kinde.origin import Origin
from tests.once import on_one_database
from tests.servers.certificates import self_signed

on_one_database()

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("well")]


@pytest.fixture
def kinde_alone(well: object, settings: Any) -> None:
    """One provider is enough to find what stands before both."""
    del settings.BILLING_WEBHOOKS_PROVIDERS["billabear"]


def from_outside(behaviour: Behaviour) -> tuple[str, list[str]]:
    """Return where a proxy of this behaviour is, and the problems that are found there."""
    with proxy(behaviour) as url:
        return url, doctor("--url", url).problems


class TestServer:
    # A server that is started before there is a test database looks at the wrong one.
    @pytest.fixture
    def url(self, django_db_setup: None, live_server: Any) -> str:
        return f"{live_server.url.replace('localhost', '127.0.0.1')}/webhooks/"

    @pytest.mark.parametrize("end", ["/", ""], ids=["slash", "no slash"])
    def test_project_itself__is_reached(self, url: str, end: str) -> None:
        report = doctor("--url", url.rstrip("/") + end)

        assert (report.status, report.problems) == (0, [])
        for alias, size in {"kinde": 262143, "billabear": 1048575}.items():
            assert (
                f"posts to {url}{alias} reach the project over the network, up to {size} bytes"
                in report.text
            )
        assert not WebhookEvent.objects.exists()

    def test_wrong_path__is_a_404_with_advice(self, url: str) -> None:
        first, _ = doctor("--url", url.replace("webhooks", "hooks")).problems
        assert "/hooks/kinde is answered 404, where the project itself says 400" in first
        assert "Look at the path" in first


@pytest.mark.usefixtures("kinde_alone")
@pytest.mark.parametrize(
    ("status", "advice"),
    [
        (200, "in place of the project"),
        (204, "proxy"),
        (401, "no password"),
        (403, "firewall"),
        (405, "POST"),
        (502, "its server runs"),
        (503, "its server runs"),
        (504, "in time"),
    ],
)
def test_proxy_that_answers__is_told_by_its_status(status: int, advice: str) -> None:
    url, (problem,) = from_outside(lambda size: (status, {}))
    assert f"a small post to {url}kinde is answered {status}, where the project itself" in problem
    assert advice in problem


@pytest.mark.usefixtures("kinde_alone")
def test_proxy_that_redirects__is_not_followed() -> None:
    location = {"Location": "https://www.example.com/webhooks/kinde?next=a-secret"}
    _, (problem,) = from_outside(lambda size: (308, location))
    assert "is answered 308 to https://www.example.com/webhooks/kinde, where" in problem
    assert "without a redirect" in problem


@pytest.mark.usefixtures("kinde_alone")
def test_proxy_that_limits_bodies__is_found_by_the_large_one() -> None:
    _, (problem,) = from_outside(lambda size: (413 if size > 100_000 else 400, {}))
    assert "a post of 262143 bytes" in problem
    assert "answered 413" in problem
    assert "client_max_body_size" in problem


@pytest.mark.usefixtures("kinde_alone")
def test_proxy_that_hangs_up_on_large_bodies__is_found() -> None:
    _, (problem,) = from_outside(lambda size: (0 if size > 100_000 else 400, {}))
    assert "a post of 262143 bytes" in problem
    assert "gets no answer: the connection fails" in problem
    assert "Raise what your proxy or server takes of a body" in problem


@pytest.mark.usefixtures("kinde_alone")
def test_proxy_without_fault__is_well() -> None:
    assert from_outside(lambda size: (400, {}))[1] == []


@pytest.mark.usefixtures("kinde_alone")
@pytest.mark.parametrize("said", [b"", b"no HTTP\r\n\r\n"], ids=["silence", "no HTTP"])
def test_server_that_speaks_no_http__is_told(said: bytes) -> None:
    with Origin(said) as origin:
        (problem,) = doctor("--url", origin.url.removesuffix("jwks")).problems
    assert "gets no answer: the connection fails" in problem


@pytest.mark.usefixtures("kinde_alone")
def test_certificate_that_nobody_trusts__is_told(tmp_path: Path) -> None:
    with proxy(lambda size: (400, {}), self_signed("127.0.0.1", tmp_path)) as url:
        (problem,) = doctor("--url", url).problems
    assert f"{url}kinde gets no answer: its certificate is not valid" in problem


@pytest.mark.usefixtures("kinde_alone")
def test_nobody__is_told() -> None:
    (problem,) = doctor("--url", "http://127.0.0.1:1/").problems
    assert "a small post to http://127.0.0.1:1/webhooks/kinde gets no answer: nobody" in problem


@pytest.mark.parametrize(
    "url",
    [
        "shop.example.com",
        "ftp://shop.example.com/",
        "https:///webhooks/",
        "https://shop.example.com:port/",
        "https://shop.example.com:65536/",
        "https://shop example.com/",
        "https://[broken/",
        "https://billabear:a-secret@shop.example.com/webhooks/",
        "https://shop.example.com/webhooks/?token=a-secret",
    ],
)
def test_url__that_is_no_base_is_refused(url: str) -> None:
    with pytest.raises(CommandError, match="must be an address such as") as refused:
        call_command("billing_webhooks", "doctor", "--url", url)
    assert "a-secret" not in str(refused.value)
