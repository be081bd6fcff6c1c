"""Every case: what is answered, stored, touched, fetched and logged."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from django.apps import apps

from billing_webhooks.models import WebhookEvent
from tests.catalogue.all_cases import on_servers
from tests.catalogue.cases import Case, Expected, World
from tests.catalogue.invariants import assert_decent
from tests.catalogue.logbook import Record
from tests.catalogue.sending import Request
from tests.catalogue.servers import Server
from tests.kinde.origin import Origin
from tests.snapshots import BILLING_MODELS


@pytest.mark.parametrize(
    ("case", "server"),
    [
        pytest.param(case, server, id=f"{case} {server}".replace(" ", "-"))
        for case, server in on_servers()
    ],
    indirect=["server"],
)
def test_case(case: Case, server: Server, world: World, key_sets: Origin) -> None:
    sent = send_before(case, server, world)
    fetched = key_sets.requests_of[f"/{case.alias}"]
    server.logbook.news()
    request, expected = case.make(world), case.expected[server.name]

    answer = server.send(request)

    # The servers' own lines may be later than their answers.
    records = [each for each in server.logbook.news() if each.is_of("billing_webhooks", "django")]
    assert answer.status == expected.status
    assert_stored(expected, [*sent, request])
    assert_logged(expected, [each for each in records if each.level != "DEBUG"])
    assert_decent(answer, request, records, case.unsaid)
    assert key_sets.requests_of[f"/{case.alias}"] - fetched == case.fetches
    assert world.trap.is_untouched()


def send_before(case: Case, server: Server, world: World) -> list[Request]:
    """Send what comes before, and return what was accepted of it."""
    accepted = []
    for make, status in case.before:
        request = make(world)
        assert server.send(request).status == status
        if status == 200:
            accepted.append(request)
    return accepted


def assert_stored(expected: Expected, sent: Sequence[Request]) -> None:
    events = list(WebhookEvent.objects.order_by("received_at", "id"))
    assert tuple(event.state for event in events) == expected.stored
    assert [bytes(event.body) for event in events] == [
        request.body for request in sent[: len(events)]
    ]
    assert events or expected.status != 200
    assert [event.deliveries for event in events] == [
        expected.deliveries,
        *[1] * (len(events) - 1),
    ][: len(events)]
    for event in events:
        if event.state == WebhookEvent.State.QUARANTINED:
            assert (event.event_type, event.attempts, event.next_attempt_at) == ("", 0, None)
    assert conflicting_bodies() == [request.body for request in sent[1:] if expected.conflicts]
    touched = any(model._base_manager.exists() for model in BILLING_MODELS)
    assert touched == expected.touched


def conflicting_bodies() -> list[bytes]:
    model: Any = apps.all_models["billing_webhooks"].get("conflictingdelivery")
    return [] if model is None else [bytes(row.body) for row in model._base_manager.all()]


def assert_logged(expected: Expected, records: Sequence[Record]) -> None:
    assert sorted(map(str, records)) == sorted(expected.log)
    if expected.reason:
        (message,) = (each.message for each in records if str(each) == expected.log[0])
        assert expected.reason in message
