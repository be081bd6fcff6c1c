"""Whether somebody has to look at the inbox, in numbers, sentences and an exit status."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import timedelta
from io import StringIO
from typing import Any, NoReturn

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection
from django.utils import timezone

from billing_webhooks import health
from billing_webhooks.models import Heartbeat, WebhookEvent
from billing_webhooks.sweeping import sweep
from tests.conftest import PostBillaBear, PostKinde
from tests.once import on_one_database
from tests.overview.events import event

on_one_database()

pytestmark = pytest.mark.django_db(transaction=True)

SIGN_UP = {"customer_id": "customer_1"}


def problems() -> list[str]:
    """Return what the command complains of, with its exit status 1; empty with 0."""
    try:
        call_command("billing_webhooks", "health", stdout=StringIO())
    except CommandError as error:
        return str(error).splitlines() if error.returncode == 1 else [f"status {error.returncode}"]
    return []


def test_well(post_kinde: PostKinde) -> None:
    sweep()
    post_kinde("customer.agreement_created", SIGN_UP)
    assert problems() == []


def test_never_swept() -> None:
    (problem,) = problems()
    assert problem.startswith("No sweep has ever run")
    assert "manage.py billing_webhooks process --watch" in problem


@pytest.mark.parametrize(
    ("ago", "expected"),
    [
        (timedelta(minutes=14), []),
        (timedelta(minutes=16), ["No sweep has run for 16 minutes."]),
        (timedelta(days=3, hours=2), ["No sweep has run for 3 days, 2 hours."]),
    ],
    ids=str,
)
def test_swept_long_ago(ago: timedelta, expected: list[str]) -> None:
    Heartbeat.objects.create(name="sweep", at=timezone.now() - ago)
    assert problems() == expected


@pytest.mark.parametrize(
    ("ago", "expected"),
    [
        (timedelta(minutes=14), []),
        (timedelta(hours=2), ["An event has been due for 2 hours, and nobody works it."]),
    ],
    ids=str,
)
def test_due(post_kinde: PostKinde, settings: Any, ago: timedelta, expected: list[str]) -> None:
    sweep()
    settings.BILLING_WEBHOOKS_DISPATCH = "deferred"
    post_kinde("customer.agreement_created", SIGN_UP)
    WebhookEvent.objects.update(next_attempt_at=timezone.now() - ago)
    assert problems() == expected


def test_waiting__for_its_next_attempt_is_no_problem(post_kinde: PostKinde, settings: Any) -> None:
    sweep()
    settings.BILLING_WEBHOOKS_DISPATCH = "deferred"
    post_kinde("customer.agreement_created", SIGN_UP)
    WebhookEvent.objects.update(
        received_at=timezone.now() - timedelta(days=1),
        next_attempt_at=timezone.now() + timedelta(hours=1),
    )
    assert problems() == []
    assert (health().pending, health().due, health().oldest_due) == (1, 0, None)


def dead(post_billabear: PostBillaBear) -> None:
    payment = "0b1e5c1e-0000-4000-8000-000000000031"
    post_billabear("payment_received", id=payment, customer=None, amount=19.99)


def test_dead__of_the_last_day_is_to_be_looked_at(post_billabear: PostBillaBear) -> None:
    sweep()
    dead(post_billabear)
    assert problems() == [
        "Died in the last 24 hours: 1. Read their last_error, and replay them when its cause "
        "is gone."
    ]


def test_dead__longer_was_looked_at_or_not(post_billabear: PostBillaBear) -> None:
    sweep()
    dead(post_billabear)
    WebhookEvent.objects.update(processed_at=timezone.now() - timedelta(days=2))
    assert problems() == []
    assert (health().dead, health().recently_dead) == (1, 0)


def test_quarantined__is_counted_and_no_problem(post_billabear: PostBillaBear) -> None:
    sweep()
    post_billabear("customer_created", customer=None)
    assert problems() == []
    assert health().quarantined == 1


def test_all_at_once__in_one_line_each(post_kinde: PostKinde, settings: Any) -> None:
    Heartbeat.objects.create(name="sweep", at=timezone.now() - timedelta(hours=1))
    settings.BILLING_WEBHOOKS_DISPATCH = "deferred"
    post_kinde("customer.agreement_created", SIGN_UP)
    WebhookEvent.objects.update(next_attempt_at=timezone.now() - timedelta(hours=1))
    assert len(problems()) == 2


def told(*arguments: str) -> str:
    """Return what the command prints, whatever it complains of."""
    out = StringIO()
    with suppress(CommandError, SystemExit):
        call_command("billing_webhooks", "health", *arguments, stdout=out)
    return out.getvalue()


def test_numbers__stand_on_the_output_in_any_case(
    post_kinde: PostKinde, post_billabear: PostBillaBear, settings: Any
) -> None:
    assert told().splitlines() == [
        "0 due, 0 pending, 0 dead, 0 in quarantine; last sweep: never.",
        "kinde: last event: never.",
        "billabear: last event: never.",
    ]
    sweep()
    post_billabear("customer_created", customer=None)
    settings.BILLING_WEBHOOKS_DISPATCH = "deferred"
    post_kinde("customer.agreement_created", SIGN_UP)
    numbers, kinde, _billabear = told().splitlines()
    assert numbers.startswith("1 due, 1 pending, 0 dead, 1 in quarantine; last sweep: 20")
    assert re.fullmatch(r"kinde: last event: 20.+; keys of 20.+\.", kinde)


def test_database__away_is_status_2_and_no_password(capsys: pytest.CaptureFixture[str]) -> None:
    def refuse(*_: Any) -> NoReturn:
        raise OperationalError("could not connect as shop with password hunter2")

    with connection.execute_wrapper(refuse), pytest.raises(CommandError) as raised:
        call_command("billing_webhooks", "health", "--json")
    assert raised.value.returncode == 2
    assert str(raised.value) == "The database 'default' cannot be asked (OperationalError)."
    assert capsys.readouterr().out == ""


def test_settings__that_are_wrong_are_status_2(settings: Any) -> None:
    settings.BILLING_WEBHOOKS_HEALTH_LONGEST_DUE = 15
    WebhookEvent.objects.bulk_create([event(timezone.now(), state="pending")])
    WebhookEvent.objects.update(next_attempt_at=timezone.now() - timedelta(minutes=1))
    assert problems() == ["status 2"]
