"""Several workers do what one would do alone, in whatever order they get their turns."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, repeat
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing_webhooks.exceptions import GiveUp, RetryLater
from billing_webhooks.models import WebhookEvent
from billing_webhooks.signals import EventSignal
from billing_webhooks.sweeping import sweep
from billing_webhooks.testing import KindeIssuer
from tests.audience import OF_EACH_EVENT, RECEIVERS, Audience, Mood
from tests.conftest import Connect, PostBillaBear
from tests.fuzzing.budget import budget
from tests.histories import billabear_events, kinde_events
from tests.interleaving import interleave
from tests.outcomes import calls, forget, is_settled, runs, succeeded
from tests.snapshots import snapshot
from tests.test_concurrency import post
from tests.waiting import until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_waiting")]

Store = Callable[..., list[WebhookEvent]]

WORKERS = 3
LONGEST_HISTORY = 6
ALWAYS = 1000


@pytest.fixture
def audience(connect: Connect) -> Audience:
    return Audience(connect)


@pytest.fixture
def store(issuer: KindeIssuer, post_billabear: PostBillaBear, settings: Any) -> Store:
    """Receive a history, some of it twice, and leave it to be worked."""
    settings.BILLING_WEBHOOKS_DISPATCH = "deferred"
    # A worker that is overtaken has used up an attempt.
    settings.BILLING_WEBHOOKS_MAX_ATTEMPTS = 100

    def store(history: Sequence[Any], repeated: Collection[int] = ()) -> list[WebhookEvent]:
        forget()
        for number, event in enumerate(history):
            if isinstance(event, dict):
                for _ in range(2 if number in repeated else 1):
                    assert post(issuer.sign(event))() == 200
            else:
                event_type, content = event
                assert post_billabear(event_type, **content).status_code == 200
        events = list(WebhookEvent.objects.order_by("received_at", "pk"))
        of_kinde = [event for event in events if event.provider == "kinde"]
        assert len(of_kinde) == len([event for event in history if isinstance(event, dict)])
        return events

    return store


def restore(events: Sequence[WebhookEvent]) -> None:
    """Make everything as it was when these events had just been stored."""
    forget()
    WebhookEvent.objects.bulk_create(events)


def outcome(told: Sequence[EventSignal] | None = None) -> dict[str, Any]:
    """Work off what is left; return the rows, and who was told what, of these signals or all."""
    until(is_settled, sweep)
    return {
        "states": dict(WebhookEvent.objects.values_list("sequence", "state")),
        "rows": snapshot(),
        "runs": runs(None if told is None else [signal.name for signal in told]),
    }


@dataclass(frozen=True)
class Play:
    """What several workers are to be led through; events and workers by their numbers."""

    history: Sequence[Any]
    repeated: Collection[int]
    moods: Mapping[tuple[int, str], Mood]
    lingering: Collection[tuple[int, str]]
    # Who is next, for how many pauses.
    turns: Sequence[tuple[int, int]]
    deaths: Sequence[int]


pairs = st.tuples(st.integers(0, LONGEST_HISTORY - 1), st.sampled_from(sorted(RECEIVERS)))


def plays(events: st.SearchStrategy[Any]) -> st.SearchStrategy[Play]:
    return st.builds(
        Play,
        history=st.lists(
            events,
            min_size=2,
            max_size=LONGEST_HISTORY,
            unique_by=lambda event: event["event_id"] if isinstance(event, dict) else repr(event),
        ),
        repeated=st.sets(st.integers(0, LONGEST_HISTORY - 1)),
        moods=st.dictionaries(
            pairs,
            st.sampled_from([(1, ValueError), (2, RetryLater), (ALWAYS, GiveUp)]),
            max_size=2,
        ),
        lingering=st.sets(pairs, max_size=2),
        turns=st.lists(st.tuples(st.integers(0, WORKERS - 1), st.integers(1, 25)), max_size=12),
        deaths=st.lists(st.integers(0, 60), max_size=WORKERS),
    )


drawn = budget(15)


@drawn
@given(play=plays(kinde_events([{"customer_id": "customer_1"}])))
def test_one_customer__several_workers_do_what_one_does(
    store: Store, audience: Audience, play: Play
) -> None:
    perform(play, store, audience)


@drawn
@given(play=plays(kinde_events() | billabear_events))
def test_several_customers__several_workers_do_what_one_does(
    store: Store, audience: Audience, play: Play
) -> None:
    # Customers share plans and names: which of their events changes something for the
    # first time depends on who is worked first.
    perform(play, store, audience, told=OF_EACH_EVENT)


def perform(
    play: Play, store: Store, audience: Audience, told: Sequence[EventSignal] | None = None
) -> None:
    events = store(play.history, play.repeated)

    def by_sequence(pair: tuple[int, str]) -> tuple[str, str]:
        number, receiver = pair
        return events[number % len(events)].sequence, receiver

    moods = {by_sequence(pair): mood for pair, mood in play.moods.items()}
    audience.behave(moods)
    alone = outcome(told)

    restore(events)
    audience.behave(moods, lingering={by_sequence(pair) for pair in play.lingering})
    order = chain.from_iterable(repeat(worker, pauses) for worker, pauses in play.turns)
    interleave([sweep] * WORKERS, order, deaths=play.deaths)
    assert outcome(told) == alone
    assert calls() == succeeded()
    assert audience.was_told_in_order(but_for={event for event, _ in moods})
    assert audience.met == []
