"""A recurring query finds what the query of the ORM does, however often it is filled in."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.db.models import Q, QuerySet
from django.utils import timezone

from billing_webhooks.compiled import Recurring, any_of, rows, values
from billing_webhooks.models import WebhookEvent

pytestmark = pytest.mark.django_db


def of_mailbox(db: str, newest: int, *, mailbox: Any, keys: Any) -> QuerySet[WebhookEvent]:
    """Return events, of which the text is told by `newest` alone."""
    condition = Q(mailbox=mailbox) & any_of("pk", keys)
    events = WebhookEvent.objects.using(db).filter(condition).defer("headers")
    return events.order_by("-occurred_at")[:newest]


def sequences(db: str, *, mailboxes: Any) -> QuerySet[WebhookEvent, Any]:
    events = WebhookEvent.objects.using(db).filter(any_of("mailbox", mailboxes))
    return events.order_by("sequence").values_list("sequence", "body", "occurred_at")


@pytest.fixture
def events() -> list[WebhookEvent]:
    return [
        WebhookEvent.objects.create(
            provider="kinde",
            mailbox=mailbox,
            sequence=f"event_{number}",
            body=f"body {number}: 100% of {{it}}".encode(),
            occurred_at=timezone.now(),
            received_at=timezone.now(),
        )
        for number, mailbox in enumerate(["one", "two", "two", "o'three"])
    ]


def found(newest: int, mailbox: str, keys: Iterable[UUID]) -> list[WebhookEvent]:
    filled = {"mailbox": mailbox, "keys": list(keys)}
    return list(rows("default", Recurring(of_mailbox, (newest,), filled)))


def test_rows__are_those_of_each_filling(events: list[WebhookEvent]) -> None:
    keys = [each.pk for each in events]
    assert found(9, "two", keys) == [events[2], events[1]]
    assert found(9, "two", keys[:2]) == [events[1]]
    assert found(9, "o'three", keys) == [events[3]]
    assert found(1, "two", keys) == [events[2]]
    assert found(9, "two", [uuid4()]) == []


def test_rows__are_as_the_orm_reads_them(events: list[WebhookEvent]) -> None:
    [row] = found(1, "one", [events[0].pk])
    assert (row.body, row.occurred_at) == (events[0].body, events[0].occurred_at)
    assert row.get_deferred_fields() == {"headers"}
    assert not row._state.adding


def test_values__are_those_of_each_filling(events: list[WebhookEvent]) -> None:
    for mailboxes in (["two"], ["one", "o'three"], ["nobody's"]):
        expected = [
            (each.sequence, each.body, each.occurred_at)
            for each in events
            if each.mailbox in mailboxes
        ]
        got = values("default", Recurring(sequences, (), {"mailboxes": mailboxes}))
        assert [(by, bytes(body), at) for by, body, at in got] == expected


@pytest.mark.skipif(connection.vendor != "postgresql", reason="others get each query anew")
def test_query__is_made_once_for_any_values(events: list[WebhookEvent]) -> None:
    made = []

    def make(db: str, *, keys: Any) -> QuerySet[WebhookEvent]:
        made.append(db)
        return WebhookEvent.objects.using(db).filter(any_of("pk", keys))

    for number in range(4):
        keys = [each.pk for each in events[:number]]
        assert len(list(rows("default", Recurring(make, (), {"keys": keys})))) == number
    assert made == ["default"]
