"""Events of one customer in their order, one step at a time, whoever works them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from itertools import chain, repeat
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from billing_webhooks import mailboxes, signals
from billing_webhooks.exceptions import RetryLater
from billing_webhooks.models import WebhookEvent
from billing_webhooks.processing import work
from billing_webhooks.signals import event_processed
from billing_webhooks.sweeping import sweep
from tests.audience import Audience
from tests.conftest import Connect, PostKinde, at
from tests.crashes.stories import outcome
from tests.interleaving import interleave
from tests.models import Call
from tests.outcomes import calls, forget, is_settled, succeeded
from tests.test_concurrency import at_once
from tests.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)

WHO = {"customer_id": "customer_1"}
MAILBOX = "kinde:customer:customer_1"
# Until it has done everything, if nobody keeps it from that.
TO_THE_END = 1000


@pytest.fixture
def audience(connect: Connect) -> Audience:
    return Audience(connect)


@pytest.fixture
def deferred(settings: Any) -> None:
    settings.BILLING_WEBHOOKS_DISPATCH = "deferred"


@pytest.fixture
def sign_ups(deferred: None, post_kinde: PostKinde) -> Callable[[int], None]:
    """Receive a customer's events, the later ones first, and leave them to be worked."""

    def sign_ups(number: int) -> None:
        forget()
        for each in reversed(range(number)):
            post_kinde(
                "customer.agreement_created",
                {**WHO, "agreement_id": f"agreement_{each}"},
                event_id=f"event_{each}",
                occurred_at=at(f"10:{each:02d}"),
            )

    return sign_ups


def heard_of() -> list[str]:
    """Return the events that receivers were told of, in that order, each as often as in a row."""
    names = {event.pk: event.external_id for event in WebhookEvent.objects.all()}
    return [names[call.event] for call in Call.objects.order_by("pk")]


class TestTwoWorkers:
    """
    One gets no further than to one of its pauses, and there are all of them; another works.

    It pauses between two steps, and in a receiver, where it has the mailbox. Another
    receiver fails once, so that there is a second attempt too.
    """

    @pytest.fixture(autouse=True)
    def set_up(self, no_waiting: None, audience: Audience, sign_ups: Callable[[int], None]) -> None:
        self.audience = audience
        self.receive = partial(sign_ups, 2)
        self.store()
        [self.pauses] = interleave([partial(work, MAILBOX)])
        assert self.pauses > 20
        until(is_settled, sweep)
        self.alone = outcome()
        assert set(calls().values()) == {1}
        assert calls() == succeeded()

    def store(self) -> None:
        self.receive()
        self.audience.behave({("event_1", "second"): (1, ConnectionError)}, {("event_0", "second")})

    def check(self) -> None:
        until(is_settled, sweep)
        assert outcome() == self.alone
        assert self.audience.was_told_in_order()
        assert self.audience.met == []

    def test_overtaken_at_any_pause__leaves_and_has_doubled_nothing(self) -> None:
        overtaken = 0
        for pause in range(1, self.pauses + 1):
            self.store()
            order = chain(repeat(0, pause), repeat(1, TO_THE_END))
            interleave([partial(work, MAILBOX)] * 2, order)
            self.check()
            overtaken += WebhookEvent.objects.filter(attempts__gt=1).count()
        assert overtaken > 10

    def test_dead_at_any_pause__the_other_goes_on_where_it_was(self) -> None:
        for pause in range(1, self.pauses + 1):
            self.store()
            interleave([partial(work, MAILBOX)] * 2, deaths=[pause])
            self.check()


def test_slow_worker__that_takes_steps_is_not_taken_for_dead(
    no_waiting: None, sign_ups: Callable[[int], None], connect: Connect
) -> None:
    for number in range(20):
        connect(event_processed, lambda **arguments: None, f"receiver_{number}")
    sign_ups(2)
    # One takes a step or two between two looks of the other.
    order = chain.from_iterable(repeat((0, 0, 0, 0, 1), TO_THE_END))
    interleave([partial(work, MAILBOX)] * 2, order)
    events = WebhookEvent.objects.values_list("state", "attempts")
    assert list(events) == [("processed", 1)] * 2


def test_failing_event__steps_aside_and_later_ones_go_on(
    audience: Audience, sign_ups: Callable[[int], None]
) -> None:
    sign_ups(3)
    in_an_hour = partial(RetryLater, after=timedelta(hours=1))
    audience.behave({("event_0", "second"): (1, in_an_hour)})
    assert work(MAILBOX) == 3
    assert WebhookEvent.objects.get(state="pending").external_id == "event_0"
    # All that is left of it is what has failed.
    done = calls()
    WebhookEvent.objects.filter(state="pending").update(next_attempt_at=at("00:00"))
    assert work(MAILBOX) == 1
    assert calls() - done == {("event_0", "event_processed", "second"): 1}
    assert list(dict.fromkeys(heard_of())) == ["event_0", "event_1", "event_2"]


def test_late_event__is_next_although_others_have_waited_longer(
    sign_ups: Callable[[int], None], audience: Audience, post_kinde: PostKinde
) -> None:
    sign_ups(2)
    assert work(MAILBOX, limit=1) == 1
    post_kinde("customer.plan_assigned", WHO, event_id="late", occurred_at=at("09:00"))
    work(MAILBOX)
    assert list(dict.fromkeys(heard_of())) == ["event_0", "late", "event_1"]


def test_same_moment__the_sequence_decides(
    deferred: None, audience: Audience, post_kinde: PostKinde
) -> None:
    names = ["event_b", "event_c", "event_a", "event_B"]
    for name in names:
        post_kinde("customer.plan_assigned", WHO, event_id=name, occurred_at=at("10:00"))
    work(MAILBOX)
    assert list(dict.fromkeys(heard_of())) == sorted(names)


def test_wake_up__with_nothing_due_is_one_query(django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(1):
        assert work(MAILBOX) == 0


@pytest.mark.skipif(connection.vendor == "sqlite", reason="its one writer is waited for")
def test_wake_up__of_a_mailbox_that_is_being_worked_leaves_at_once(
    sign_ups: Callable[[int], None],
) -> None:
    sign_ups(1)
    mailboxes.make("default", MAILBOX)

    def look() -> tuple[int, list[str]]:
        with CaptureQueriesContext(connection) as queries:
            return work(MAILBOX), [query["sql"].split()[0] for query in queries]

    with mailboxes.turn("default", MAILBOX, wait=True):
        assert at_once([look]) == [(0, ["SELECT", "BEGIN", "SELECT", "ROLLBACK"])]


def test_wake_ups__a_hundred_by_twenty_threads_do_everything_once(
    audience: Audience, sign_ups: Callable[[int], None]
) -> None:
    sign_ups(5)
    at_once([partial(work, MAILBOX)] * 100)
    WebhookEvent.objects.filter(state="pending").update(next_attempt_at=at("00:00"))
    until(is_settled, sweep)
    assert set(calls().values()) == {1}
    assert calls() == succeeded()
    assert audience.met == []


def test_sweeps__at_once_keep_the_order_of_each_customer(
    deferred: None, no_waiting: None, audience: Audience, post_kinde: PostKinde, settings: Any
) -> None:
    # In so little time many are taken for dead that are not.
    settings.BILLING_WEBHOOKS_MAX_ATTEMPTS = 1000
    for number in reversed(range(20)):
        who = {"customer_id": f"customer_{number % 4}", "agreement_id": f"agreement_{number}"}
        post_kinde("customer.agreement_created", who, occurred_at=at(f"10:{number:02d}"))
    at_once([sweep] * 8)
    until(is_settled, sweep)
    assert set(calls().values()) == {1}
    assert calls() == succeeded()
    assert audience.was_told_in_order()
    assert audience.met == []


def test_look_from_inside_a_receiver__neither_waits_nor_overtakes(
    connect: Connect, audience: Audience, post_kinde: PostKinde
) -> None:
    def post_another(event: WebhookEvent, **arguments: Any) -> None:
        if event.external_id == "event_1":
            post_kinde("customer.plan_assigned", WHO, event_id="event_0", occurred_at=at("09:00"))
            post_kinde("customer.plan_assigned", WHO, event_id="event_2", occurred_at=at("11:00"))

    connect(signals.customer_created, post_another, "post_another")
    post_kinde("customer.plan_assigned", WHO, event_id="event_1", occurred_at=at("10:00"))
    until(is_settled, sweep)
    assert list(dict.fromkeys(heard_of())) == ["event_1", "event_0", "event_2"]
    assert heard_of() == sorted(heard_of(), key=["event_1", "event_0", "event_2"].index)
