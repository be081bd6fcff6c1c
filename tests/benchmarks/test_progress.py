"""How fast a backlog went, by what its events say."""

from __future__ import annotations

from datetime import timedelta

import pytest

from benchmarks.progress import progress
from billing_webhooks.models import WebhookEvent
from tests.conftest import at
from tests.once import on_one_database

on_one_database()

pytestmark = pytest.mark.django_db


def work_off(*seconds: int) -> None:
    """Have events that were worked off so many seconds after ten."""
    WebhookEvent.objects.bulk_create(
        WebhookEvent(
            provider="kinde",
            mailbox="kinde:",
            occurred_at=at("10:00"),
            received_at=at("10:00"),
            processed_at=at("10:00") + timedelta(seconds=each),
        )
        for each in seconds
    )


def test_progress__counts_the_middle_half() -> None:
    work_off(0, 9, 10, 11, 12, 13, 14, 99)
    done = progress(at("10:00"))

    assert done.rate == 1
    assert done.quarter == at("10:00:10")
    assert done.last == at("10:01:39")


def test_progress__of_one_commit__counts_from_the_beginning() -> None:
    work_off(5, 5, 5, 5)
    assert progress(at("10:00:03")).rate == 2


def test_progress__of_nothing__says_so() -> None:
    with pytest.raises(RuntimeError):
        progress(at("10:00"))
