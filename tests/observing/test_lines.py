"""What the log says of the steps, as text and as fields."""

from __future__ import annotations

import io
import json
import logging
import re
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from django.test import Client

from billing_webhooks.exceptions import CannotVerifyNow
from billing_webhooks.lifecycle import Name, Step, tell
from billing_webhooks.logs import logger_of
from billing_webhooks.models import WebhookEvent
from billing_webhooks.providers.kinde.keys import KeySet
from billing_webhooks.signals import event_processed
from billing_webhooks.testing import KindeIssuer, billabear_body, kinde_event
from tests.conftest import SECRET, Connect, PostBillaBear
from tests.endpoint.deliveries import CUSTOMER, send

pytestmark = pytest.mark.django_db

HOSTILE = 'x" provider=evil\r\nwebhook.died event=1 \x1b[31m \u202e\\'
LINE = re.compile(r"webhook\.(\w+)((?: \w+=(?:[^ \"=\\]+|\"(?:[^\"\\]|\\.)*\"))+)")
# Handed to Django, which gives it to who reports errors.
NO_FACTS = {"request", "status_code"}


def fields(record: logging.LogRecord) -> dict[str, Any]:
    """Return what a record has beside what every record has."""
    usual = vars(logging.makeLogRecord({})).keys() | {"message", "asctime"} | NO_FACTS
    return {name: value for name, value in vars(record).items() if name not in usual}


def test_lines__say_what_the_records_hold(
    caplog: pytest.LogCaptureFixture, post_billabear: PostBillaBear
) -> None:
    caplog.set_level(logging.INFO)
    post_billabear("customer_created", customer=CUSTOMER)

    key = str(WebhookEvent.objects.get().pk)
    known = {"provider": "billabear", "event_id": key, "event_type": "customer_created"}
    accepted, processed = caplog.records
    assert accepted.name == "billing_webhooks.events.accepted"
    assert accepted.getMessage().startswith(
        f"webhook.accepted provider=billabear event={key} type=customer_created ms="
    )
    assert fields(accepted).items() >= {"step": "accepted", **known}.items()
    assert f" type=customer_created outcome=applied attempts=1 ms={processed.duration_ms}" in (  # type: ignore[attr-defined]
        processed.getMessage()
    )
    assert fields(processed).items() >= {"step": "processed", **known, "attempts": 1}.items()
    assert fields(processed).keys() >= {"duration_ms", "since_received_ms"}


def test_refusal__has_its_fields_too(caplog: pytest.LogCaptureFixture, client: Client) -> None:
    client.post("/webhooks/billabear", b"{}", content_type="text/plain")

    (record,) = caplog.records
    assert record.name == "billing_webhooks.events.rejected"
    assert record.getMessage() == (
        "webhook.rejected provider=billabear status=401 reason=secret len=2 ip=127.0.0.1"
    )
    facts = fields(record)
    assert facts.pop("duration_ms") >= 0
    assert facts == {"step": "rejected", "provider": "billabear", "reason": "secret"}
    assert vars(record)["status_code"] == 401


def test_quarantine__has_what_is_answered_and_the_event(
    caplog: pytest.LogCaptureFixture, client: Client
) -> None:
    send(client, b"[]")

    (record,) = caplog.records
    event = WebhookEvent.objects.get()
    assert record.getMessage() == (
        f"webhook.quarantined provider=billabear event={event.pk} status=400 "
        f'reason="{event.last_error}" len=2 ip=127.0.0.1'
    )
    facts = fields(record)
    assert (facts["step"], facts["event_id"]) == ("quarantined", str(event.pk))
    assert (record.levelname, vars(record)["status_code"]) == ("WARNING", 400)


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://127.0.0.1:1/keys?token=a-secret", "127.0.0.1"),
        ("https://a-secret:a-secret@localhost:1/", "localhost"),
    ],
)
def test_key_set__its_host_alone_is_said(
    caplog: pytest.LogCaptureFixture, url: str, host: str
) -> None:
    caplog.set_level(logging.DEBUG)
    with pytest.raises(CannotVerifyNow):
        KeySet(url, "kinde").renew()

    (record,) = caplog.records
    assert f'webhook.keys_not_fetched provider=kinde reason="{host}: ' in record.getMessage()
    assert "a-secret" not in logging.Formatter("%(message)s").format(record) + repr(vars(record))


def test_receiver_s_error__with_its_traceback(
    caplog: pytest.LogCaptureFixture, post_billabear: PostBillaBear, connect: Connect
) -> None:
    connect(event_processed, lambda **kwargs: 1 / 0, "books")
    post_billabear("customer_created", customer=CUSTOMER)

    (record,) = caplog.records
    assert record.levelname == "ERROR"
    assert " receiver=books reason=ZeroDivisionError attempts=1 " in record.getMessage()
    assert record.exc_info is not None
    assert record.exc_info[0] is ZeroDivisionError


@pytest.mark.parametrize("text", [HOSTILE, "\U0001f4a9" * 300, "\ud800", "=" * 300, "\\" * 300])
def test_hostile_texts__one_short_line_that_forges_nothing(
    caplog: pytest.LogCaptureFixture, text: str
) -> None:
    step = Step(Name.DIED, text, text, text, text, text, text, level=logging.ERROR)
    tell(step)

    (record,) = caplog.records
    line = record.getMessage()
    assert len(line.encode()) < 2000
    assert line.isascii()
    assert line.isprintable()
    found = LINE.fullmatch(line)
    assert found is not None
    keys = re.findall(r' (\w+)=(?:"(?:[^"\\]|\\.)*"|[^ "]+)', found[2])
    assert keys == ["provider", "event", "type", "outcome", "receiver", "reason"]
    assert all(str(value).isprintable() for value in fields(record).values())


def test_hostile_type__harms_no_line(
    caplog: pytest.LogCaptureFixture, post_billabear: PostBillaBear
) -> None:
    caplog.set_level(logging.INFO)
    assert post_billabear(HOSTILE, customer=CUSTOMER).status_code == 200

    assert [record.name.rpartition(".")[2] for record in caplog.records] == [
        "accepted",
        "processed",
    ]
    assert all(LINE.fullmatch(record.getMessage()) for record in caplog.records)


SECRETS = (SECRET, "one@example.org", "Ada Lovelace", "AT611904300234573201", CUSTOMER["id"])


@pytest.mark.parametrize("body", [b"[]", b'{"type": "one@example.org', b"\xff"])
def test_everything_logged__no_secret_and_nothing_of_a_payload(
    client: Client,
    issuer: KindeIssuer,
    connect: Connect,
    caplog: pytest.LogCaptureFixture,
    body: bytes,
) -> None:
    caplog.set_level(logging.DEBUG)
    connect(event_processed, lambda **kwargs: 1 / 0)
    person = {**CUSTOMER, "name": "Ada Lovelace", "iban": "AT611904300234573201"}
    send(client, billabear_body("customer_created", customer=person))
    send(client, body)
    send(client, headers={"Authorization": ""})
    client.post(f"/webhooks/billabear/{SECRET}?token={SECRET}", b"x", content_type="text/plain")
    for data in (person, {**person, "id": {}}, {"customer_id": "one@example.org" * 40}):
        client.generic(
            "POST", "/webhooks/kinde", issuer.sign(kinde_event("customer.created", data))
        )

    own = [each for each in caplog.records if each.name.startswith("billing_webhooks")]
    assert len(own) > 5
    for record in own:
        said = logging.Formatter("%(message)s").format(record) + repr(vars(record))
        assert not [secret for secret in SECRETS if secret in said]


@pytest.fixture
def structlog_lines() -> Iterator[io.StringIO]:
    """What a root handler with structlog's own formatter writes."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_log_level, structlog.stdlib.ExtraAdder()],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(default=repr),
            ],
        )
    )
    logger = logging.getLogger("billing_webhooks")
    logger.addHandler(handler)
    yield stream
    logger.removeHandler(handler)


def test_structlog__gets_the_facts_as_fields(
    caplog: pytest.LogCaptureFixture,
    client: Client,
    post_billabear: PostBillaBear,
    structlog_lines: io.StringIO,
) -> None:
    caplog.set_level(logging.INFO)
    post_billabear("customer_created", customer=CUSTOMER)
    client.post("/webhooks/billabear", b"{}", content_type="text/plain")

    lines = [json.loads(line) for line in structlog_lines.getvalue().splitlines()]
    assert [line["step"] for line in lines] == ["accepted", "processed", "rejected"]
    assert [line["level"] for line in lines] == ["info", "info", "warning"]
    assert lines[1]["event"].startswith("webhook.processed provider=billabear ")
    assert lines[1]["event_id"] == str(WebhookEvent.objects.get().pk)
    assert lines[1]["outcome"] == "applied"
    assert lines[2]["reason"] == "secret"
    assert SECRET not in structlog_lines.getvalue()


# What structlog's own processors write.
OF_STRUCTLOG = {"event", "level", "logger", "timestamp", "exception", "stack"}


def test_fields__are_called_as_nothing_else_in_a_record_is(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    numbers = {"attempts": 1, "seconds": 1.0, "since_received": 1.0, "count": 1}
    texts = dict.fromkeys(("event", "event_type", "outcome", "reason", "receiver"), "x")
    step = Step(Name.PROCESSED, "shop", **texts, **numbers)  # type: ignore[arg-type]
    # Logging would refuse to write the line.
    tell(step)
    logger_of(step).info("it")

    usual = vars(logging.makeLogRecord({})).keys() | {"message", "asctime", "taskName"}
    for record in caplog.records:
        facts = fields(record).keys()
        assert len(facts) == 11
        assert not facts & (usual | OF_STRUCTLOG)
    assert len(caplog.records) == 2


def test_one_step__can_be_silenced(
    caplog: pytest.LogCaptureFixture, post_billabear: PostBillaBear
) -> None:
    caplog.set_level(logging.INFO)
    logger = logging.getLogger("billing_webhooks.events.accepted")
    logger.setLevel(logging.WARNING)
    try:
        post_billabear("customer_created", customer=CUSTOMER)
    finally:
        logger.setLevel(logging.NOTSET)

    assert [record.name.rpartition(".")[2] for record in caplog.records] == ["processed"]
