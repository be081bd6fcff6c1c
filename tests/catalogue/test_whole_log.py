"""What the servers have logged of everything together."""

from __future__ import annotations

import pytest

from tests.catalogue.invariants import E_MAIL, SECRETS, TOKEN, assert_clean
from tests.catalogue.sending import post
from tests.catalogue.servers import Server
from tests.celery_engine.waiting import wait_for
from tests.conftest import SECRET
from tests.endpoint.deliveries import BODY

LONGEST_LINE = 4096


@pytest.mark.parametrize("server", ["gunicorn", "uvicorn"], indirect=True)
def test_log__tells_nothing_that_is_not_for_everybody(server: Server) -> None:
    records = server.logbook.everything()

    assert any(record.is_of("billing_webhooks") for record in records)
    for record in records:
        assert_clean(record)


@pytest.mark.parametrize("server", ["gunicorn", "uvicorn"], indirect=True)
@pytest.mark.parametrize("path", [f"/{SECRET}", f"/{SECRET}/", f"?token={SECRET}"])
def test_access_log__hides_what_may_be_a_secret(server: Server, path: str) -> None:
    before = lines_of_access(server)
    server.send(post(f"/webhooks/billabear{path}", BODY))

    wait_for(lambda: lines_of_access(server) > before)


def lines_of_access(server: Server) -> int:
    """Return how many lines say that somebody posted, and hide where to."""
    return sum(
        "POST /billabear/.../ HTTP/1.1" in record.message
        for record in server.logbook.everything()
        if record.logger.endswith(".access")
    )


@pytest.mark.parametrize("server", ["gunicorn", "uvicorn"], indirect=True)
def test_output__nor_does_the_server_itself(server: Server) -> None:
    text = server.text()

    assert "Traceback" not in text
    assert not any(secret in text for secret in SECRETS)
    assert not E_MAIL.search(text)
    assert not TOKEN.search(text)
    assert all(len(line) < LONGEST_LINE and line.isprintable() for line in text.splitlines())
