"""Bodies of JSON and of what resembles it: read strictly, answered, and kept as they came."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from django.test import Client

from billing_webhooks.models import WebhookEvent
from billing_webhooks.providers.strict_json import NotStrictJSON, parse
from billing_webhooks.testing import KindeIssuer
from tests.conftest import SECRET
from tests.once import on_one_database
from tests.vectors.json_cases import NO, TWICE, YES, within

on_one_database()

State = WebhookEvent.State
READ = {**YES, **TWICE}
ALL = {**READ, **NO}
MARK = b"\xef\xbb\xbf"

# Inside of something else a mark of the byte order is another thing.
PARTS = {name: case for name, case in ALL.items() if not case.startswith(MARK)}


def cases(table: dict[str, bytes]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("case", table.values(), ids=table)


def stored_state(body: bytes) -> str | None:
    """Return the state of the one event that is stored, with exactly this body."""
    event = WebhookEvent.objects.first()
    if event is None:
        return None
    assert bytes(event.body) == body
    assert WebhookEvent.objects.count() == 1
    return event.state


class TestReader:
    @cases(READ)
    def test_json__read_as_the_standard_library_does(self, case: bytes) -> None:
        document = parse(case)

        assert document.value == json.loads(case.decode("utf-8-sig"), parse_float=Decimal)
        assert bool(document.repeated_keys) == (case in TWICE.values())

    @cases(NO)
    def test_no_json__refused_without_a_word_of_it(self, case: bytes) -> None:
        with pytest.raises(NotStrictJSON) as error:
            parse(case)

        assert len(str(error.value)) < 100
        assert error.value.__cause__ is None
        assert str(error.value).isprintable()


@pytest.mark.django_db
class TestBillaBear:
    @cases(ALL)
    def test_body__is_no_event_and_is_kept(self, client: Client, case: bytes) -> None:
        response = client.post(f"/webhooks/billabear/{SECRET}", case, content_type="")

        assert (response.status_code, response.content) == (400, b"")
        assert stored_state(case) == State.QUARANTINED

    @cases(PARTS)
    def test_part_of_a_body__decides(self, client: Client, case: bytes) -> None:
        body = within(case)
        response = client.post(f"/webhooks/billabear/{SECRET}", body, content_type="")

        is_read = case in READ.values()
        assert response.status_code == (200 if is_read else 400)
        assert stored_state(body) == (State.PROCESSED if is_read else State.QUARANTINED)


@pytest.mark.django_db
class TestKinde:
    @cases(ALL)
    def test_payload__is_no_event_and_is_kept_unless_it_is_another_token(
        self, client: Client, issuer: KindeIssuer, case: bytes
    ) -> None:
        body = issuer.sign_bytes(case)
        response = client.post("/webhooks/kinde", body, content_type="")

        is_other_token = case in YES.values() and isinstance(parse(case).value, dict)
        assert response.status_code == (401 if is_other_token else 200)
        assert stored_state(body) == (None if is_other_token else State.QUARANTINED)

    @cases(PARTS)
    def test_part_of_a_payload__decides(
        self, client: Client, issuer: KindeIssuer, case: bytes
    ) -> None:
        body = issuer.sign_bytes(within(case))
        response = client.post("/webhooks/kinde", body, content_type="")

        assert response.status_code == 200
        is_read = case in YES.values()
        assert stored_state(body) == (State.PROCESSED if is_read else State.QUARANTINED)
