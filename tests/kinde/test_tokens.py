"""What a refused token leaves behind; tests.catalogue has every kind of it, over real sockets."""

from __future__ import annotations

import hashlib
import logging

import pytest

from billing_webhooks.testing import KindeIssuer
from tests.kinde.conftest import Deliver
from tests.kinde.deliveries import changed_byte, compact
from tests.kinde.tokens import EVENT, PAYLOAD, header

pytestmark = pytest.mark.django_db

LOG_LINE = "k\nERROR root: the database is gone \x1b[31m\x00"


@pytest.mark.parametrize("position", range(0, 60, 3))
def test_changed_signature__refused(issuer: KindeIssuer, deliver: Deliver, position: int) -> None:
    body = issuer.sign(EVENT)

    assert deliver(changed_byte(body, len(body) - 2 - position)).status_code == 401


def test_refused__one_short_line_without_text_of_the_sender(
    issuer: KindeIssuer, deliver: Deliver, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        deliver(compact(header(issuer, kid=LOG_LINE), PAYLOAD, issuer.key))

    digest = hashlib.sha256(LOG_LINE.encode()).hexdigest()[:8]
    (message,) = caplog.messages
    assert f"status=401 reason=unknown_kid kid_sha={digest}" in message
    assert message.isprintable()
    assert len(message) < 200
