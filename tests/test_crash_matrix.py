"""
A process is killed before each of its steps, another takes over: exactly one effect.

What outlives a process is what it did to the database, so its steps are the operations
it does there, and the answer it gives. They are not listed here but recorded from a run
that nobody disturbs: a new one cannot be forgotten. To die after a step is to die before
the next.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing_webhooks import signals
from billing_webhooks.models import ReceiverRun, WebhookEvent
from billing_webhooks.signals import EventSignal, event_processed
from billing_webhooks.sweeping import sweep
from billing_webhooks.testing import KindeIssuer, kinde_event
from tests.conftest import Connect, PostKinde, at
from tests.crashes.processes import die
from tests.crashes.stories import ANSWERED, Story, name_of, outcome, writes
from tests.fuzzing.budget import budget
from tests.models import Call
from tests.outcomes import calls, is_settled, note_call, succeeded
from tests.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)

Tell = Callable[..., Story]

WHO = {"customer_id": "customer_1"}
PURCHASE = {
    **WHO,
    "agreement_id": "agreement_1",
    "plan": {"code": "pro", "name": "Pro"},
    "payment_id": "payment_1",
    "amount": 10,
    "currency": "EUR",
}
# Two customers and two plans, until a purchase says that they are one each.
APART: tuple[dict[str, Any], ...] = (
    {"org_code": "org_1", "agreement_id": "agreement_0", "plan": {"code": "pro"}},
    {**WHO, "plan_id": "plan_pro", "payment_id": "payment_0"},
)
UNITING = {**PURCHASE, "org_code": "org_1", "plan": {"code": "pro", "id": "plan_pro"}}

# Some steps by name, in their order; of an UPDATE, some of the columns it writes.
MILESTONES = (
    "INSERT webhookevent",
    "INSERT mailbox",
    "INSERT customer",
    "INSERT payment",
    "UPDATE webhookevent outcome changes applied_at",
    "COMMIT",
    "UPDATE webhookevent attempts attempt_began_at",
    "INSERT receiverrun",
    "INSERT tests_call",
    "UPDATE receiverrun state",
    "COMMIT",
    "INSERT tests_call",
    "ROLLBACK",
    "UPDATE receiverrun state last_error",
    "UPDATE webhookevent attempt_began_at next_attempt_at",
    "UPDATE webhookevent attempts",
    "UPDATE receiverrun state attempts",
    "INSERT tests_call",
    "UPDATE webhookevent state processed_at",
)


@pytest.fixture
def story(issuer: KindeIssuer) -> Tell:
    def story(data: Mapping[str, Any], *before: Mapping[str, Any]) -> Story:
        *earlier, last = [
            issuer.sign(
                kinde_event(
                    "customer.payment_succeeded",
                    each,
                    event_id=f"event_{number}",
                    occurred_at=at(f"10:0{number}"),
                )
            )
            for number, each in enumerate((*before, data))
        ]
        return Story(last, earlier)

    return story


@pytest.fixture
def receivers(connect: Connect) -> None:
    """One that writes, one that is async, and one that fails at first."""

    def hear(signal: EventSignal, event: WebhookEvent, **arguments: Any) -> None:
        note_call("hear", signal, event)

    async def hear_async(signal: EventSignal, event: WebhookEvent, **arguments: Any) -> None:
        await Call.objects.acreate(event=event.pk, signal=signal.name, receiver="hear_async")

    def fail_first(signal: EventSignal, event: WebhookEvent, **arguments: Any) -> None:
        note_call("fail_first", signal, event)
        if event.attempts == 1:
            raise ConnectionError

    connect(signals.subscription_started, hear, "hear")
    connect(event_processed, hear_async, "hear_async")
    connect(event_processed, fail_first, "fail_first")


def undisturbed(story: Story) -> tuple[list[str], dict[str, Any]]:
    """Return the steps of a process that does everything, and what comes of it."""
    # In this process first: it imports and caches what every other one then has.
    story.begin()
    here = story.end(())
    story.begin()
    steps = story.live()
    assert outcome() == here
    assert set(calls().values()) == {1}
    assert calls() == succeeded()
    assert {state for _, state, *_ in here["events"]} == {"processed"}
    return steps, here


def test_steps__are_all_of_them(story: Tell, receivers: None, no_waiting: None) -> None:
    steps, _ = undisturbed(story(PURCHASE))
    names = iter([set(name_of(step).split()) for step in steps])
    assert [
        each for each in MILESTONES if not any(set(each.split()) <= name for name in names)
    ] == []
    # SQLite takes a millisecond to see that what failed is due, so who settles it, the
    # request or the sweep, is not always the same.
    assert ANSWERED in steps
    assert "INSERT heartbeat" in [name_of(step) for step in steps]
    assert len(steps) > 90
    assert len(list(writes(steps))) > 15


def test_killed_before_any_step__there_is_one_effect(
    story: Tell, receivers: None, no_waiting: None
) -> None:
    assert harm_done(story(PURCHASE), lambda steps: range(len(steps))) == []


def test_killed_before_any_write_that_unites_customers__there_is_one_effect(
    story: Tell, receivers: None, no_waiting: None
) -> None:
    assert harm_done(story(UNITING, *APART), writes) == []


def harm_done(story: Story, choose: Callable[[list[str]], Iterable[int]]) -> list[str]:
    """Return the steps, of those chosen, before which a death made a difference."""
    steps, expected = undisturbed(story)
    harm = []
    for number in choose(steps):
        story.begin()
        done = story.live(dies_before=number)
        assert len(done) == number
        if story.end(done) != expected:
            harm.append(f"{number}. {name_of(steps[number])}")
    return harm


@pytest.fixture
def purchase(story: Tell, receivers: None, no_waiting: None) -> tuple[Story, dict[str, Any]]:
    told = story(PURCHASE)
    return told, undisturbed(told)[1]


@given(deaths=st.lists(st.integers(0, 120), min_size=2, max_size=4))
@budget(15)
def test_killed_again_and_again__there_is_one_effect(
    purchase: tuple[Story, dict[str, Any]], deaths: list[int]
) -> None:
    told, expected = purchase
    told.begin()
    steps: list[str] = []
    for number in deaths:
        steps += told.live(steps, dies_before=number)
    assert told.end(steps) == expected


@pytest.fixture
def killer(connect: Connect) -> None:
    """A receiver of payments that kills its process, which is never that of the tests."""
    here = os.getpid()

    def kill(signal: EventSignal, event: WebhookEvent, **arguments: Any) -> None:
        note_call("kill", signal, event)
        if os.getpid() != here:
            die()

    connect(signals.payment_succeeded, kill)


def test_killed_in_a_receiver__frees_the_customer_at_once(
    story: Tell, killer: None, post_kinde: PostKinde
) -> None:
    told = story(PURCHASE)
    steps = told.live()
    assert ANSWERED not in steps

    # With the patience and the backoff of a project that has set nothing.
    assert post_kinde("customer.plan_assigned", WHO, event_id="event_1").status_code == 200
    killing, next_one = WebhookEvent.objects.order_by("external_id")
    # The killed one may be due again by the time it was seen to be dead.
    assert next_one.state == "processed"
    assert killing.state == "processed" or "in attempt 1" in killing.last_error
    assert told.end(steps)["events"] == [
        ("event_0", "processed", "applied", None),
        ("event_1", "processed", "no_effect", None),
    ]
    assert calls() == {("event_0", "payment_succeeded", "kill"): 1}


def test_killing_every_worker__an_event_is_dead_and_its_customer_goes_on(
    story: Tell, killer: None, no_waiting: None, post_kinde: PostKinde, settings: Any
) -> None:
    settings.BILLING_WEBHOOKS_MAX_ATTEMPTS = 3
    told = story(PURCHASE)
    for _ in range(3):
        told.live()
    assert post_kinde("customer.plan_assigned", WHO, event_id="event_1").status_code == 200
    until(is_settled, sweep)

    events = WebhookEvent.objects.order_by("external_id")
    assert list(events.values_list("state", "attempts")) == [("dead", 3), ("processed", 1)]
    assert "in attempt 3" in events[0].last_error
    assert list(ReceiverRun.objects.values_list("state", "attempts")) == [("started", 3)]
    assert not calls()
