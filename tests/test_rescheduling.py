"""Pending events are tried at once or given up by hand, and quarantine is left by hand."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.management.base import CommandError

from billing_webhooks.models import Customer, ReceiverRun, WebhookEvent
from billing_webhooks.replaying import Handled, release, replay
from billing_webhooks.rescheduling import give_up, retry_now
from billing_webhooks.signals import event_processed
from tests.conftest import Connect, PostBillaBear, PostKinde
from tests.replaying.conftest import SIGN_UP, Correct, Run, correct, run, states

pytestmark = pytest.mark.django_db(transaction=True)

__all__ = ["correct", "run"]
EVENTS = WebhookEvent.objects.order_by("received_at")


class Fault:
    """A receiver that fails until it is mended."""

    def __init__(self) -> None:
        self.calls = 0
        self.is_mended = False

    def __call__(self, **_: Any) -> None:
        self.calls += 1
        if not self.is_mended:
            raise RuntimeError("the mail server is down")


@pytest.fixture
def fault(connect: Connect, post_kinde: PostKinde) -> Fault:
    """The fault by which the one event is pending, and the next attempt seconds away."""
    fault = Fault()
    connect(event_processed, fault, "fault")
    post_kinde("customer.agreement_created", SIGN_UP)
    assert states() == ["pending"]
    return fault


def counts(handled: Handled) -> tuple[int, dict[str, int]]:
    return len(handled.keys), dict(handled.refused)


def test_retry__works_what_waits_at_once(fault: Fault, settings: Any) -> None:
    fault.is_mended = True
    handled = retry_now(EVENTS.all())

    assert counts(handled) == (1, {})
    assert (states(), fault.calls) == (["processed"], 2)
    assert EVENTS.get().attempts == 2


def test_retry__what_is_not_pending_or_under_way(fault: Fault) -> None:
    EVENTS.update(attempt_began_at="2026-03-02T10:00Z")
    assert counts(retry_now(EVENTS.all())) == (0, {"It is being worked now.": 1})
    EVENTS.update(attempt_began_at=None, state="dead")

    assert counts(retry_now(EVENTS.all())) == (0, {"It is not pending.": 1})
    assert fault.calls == 1


def test_give_up__is_dead_and_so_are_its_runs(fault: Fault) -> None:
    handled = give_up(EVENTS.all())
    event = EVENTS.get()

    assert counts(handled) == (1, {})
    assert (event.state, event.next_attempt_at) == ("dead", None)
    assert event.processed_at is not None
    assert event.last_error
    assert [run.state for run in event.runs.all()] == ["given_up"]
    assert counts(give_up(EVENTS.all())) == (0, {"It is not pending.": 1})


def test_give_up__is_taken_back_by_a_replay(fault: Fault) -> None:
    give_up(EVENTS.all())
    fault.is_mended = True
    replay(EVENTS.all())

    assert states() == ["processed"]
    assert [run.state for run in ReceiverRun.objects.all()] == ["succeeded"]


def test_give_up__while_it_is_being_worked(connect: Connect, post_kinde: PostKinde) -> None:
    found: list[Handled] = []
    connect(event_processed, lambda event, **_: found.append(give_up([event])))
    post_kinde("customer.agreement_created", SIGN_UP)

    assert counts(found[0]) == (0, {"It is being worked now.": 1})
    assert states() == ["processed"]


def test_release__only_what_is_in_quarantine(
    post_kinde: PostKinde, post_billabear: PostBillaBear, correct: Correct
) -> None:
    post_kinde("customer.agreement_created", SIGN_UP)
    post_billabear("customer_created", customer={"id": "no uuid"})
    assert states() == ["processed", "quarantined"]
    handled = release(EVENTS.all())

    assert len(handled.keys) == 0
    assert handled.refused["It is not in quarantine."] == 1
    assert sum(handled.refused.values()) == 2


def test_commands(fault: Fault, run: Run) -> None:
    fault.is_mended = True
    assert run("retry", "--state", "pending") == "Made due: 1 events.\n"
    with pytest.raises(CommandError, match="1 not: It is not pending"):
        run("give_up", "--provider", "kinde")
    with pytest.raises(CommandError, match="1 not: It is not in quarantine"):
        run("release", "--provider", "kinde")
    with pytest.raises(CommandError, match="Say which events"):
        run("retry")
    assert Customer.objects.count() == 1


def test_commands__for_none(run: Run) -> None:
    assert run("give_up", "--state", "pending") == "Given up: 0 events.\n"
