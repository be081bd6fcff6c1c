"""What holds for every request, whatever it is."""

from __future__ import annotations

import re
from collections.abc import Sequence

from tests.catalogue.cases import HOST_CHECK
from tests.catalogue.logbook import Record
from tests.catalogue.sending import NO_ANSWER, Answer, Request
from tests.catalogue.settings import SECOND_SECRET
from tests.conftest import SECRET, basic

LONGEST_RECORD = 2048
SECRETS = (
    SECRET,
    SECOND_SECRET,
    "the-one-before-it-was-rotated",
    *(
        basic(*pair).removeprefix("Basic ")
        for pair in ((SECRET,), (SECRET, "x"), ("billabear", SECRET))
    ),
)
E_MAIL = re.compile(r"[^\s@]@[\w-]+\.\w")
# The beginning of every token's header, and of its payload.
TOKEN = re.compile(r"eyJ[\w-]{20}")
# A longer piece of a body would be no accident.
PIECE = 24
# None of these may be answered to anybody, and a fault of ours only by asking to come again.
STATUSES = {NO_ANSWER, 200, 400, 401, 404, 405, 411, 413, 414, 415, 431, 503}


def assert_decent(answer: Answer, request: Request, records: Sequence[Record], unsaid: str) -> None:
    """Assert what every answer and every record of it has to be."""
    assert answer.status in STATUSES
    if answer.status == 503:
        assert "\r\nRetry-After: 30" in answer.headers
    if any(record.is_of("billing_webhooks") for record in records):
        assert answer.body == b""
    text = request.body.decode("utf-8", "replace")
    for record in records:
        assert_clean(record)
        assert not unsaid or unsaid not in record.message
        for start in range(0, min(len(text), 20 * PIECE) - PIECE, PIECE):
            assert text[start : start + PIECE] not in record.message


def assert_clean(record: Record) -> None:
    """Assert that a record is short, of one line, and tells nothing that is not for everybody."""
    text = record.message + record.traceback
    assert len(record.message) < LONGEST_RECORD, record.message[:200]
    assert record.message.isprintable(), ascii(record.message)
    assert not any(secret in text for secret in SECRETS), record
    assert not E_MAIL.search(text), record
    assert not TOKEN.search(text), record
    assert not record.traceback or str(record) == HOST_CHECK, record.traceback
