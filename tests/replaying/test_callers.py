"""A corrected reading, and what the code that calls for a replay may be in the middle of."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from billing_webhooks import signals
from billing_webhooks.models import Customer, Subscription, WebhookEvent
from billing_webhooks.replaying import replay
from billing_webhooks.signals import event_processed
from tests.conftest import Connect, PostKinde
from tests.replaying.conftest import SIGN_UP, Correct, states
from tests.replaying.test_replay import history

pytestmark = pytest.mark.django_db(transaction=True)

events = WebhookEvent.objects.order_by("occurred_at")


class TestReading:
    """What a corrected reading finds in a stored event is applied, and told once."""

    def test_corrected__changes_rows_and_tells_of_it_once(
        self, connect: Connect, post_kinde: PostKinde, correct: Correct
    ) -> None:
        told: list[Any] = []
        connect(signals.customer_created, lambda **_: told.append("created"))
        connect(signals.customer_changed, lambda changes, **_: told.append(changes))
        loud = {**SIGN_UP, "user": {"email": "ADA@example.org"}}
        post_kinde("customer.agreement_created", loud)
        correct("LowerCase")
        for _ in range(2):
            replay(events.all())

        assert Customer.objects.get().email == "ada@example.org"
        assert told[0] == "created"
        # Against what was there before the event: then the customer was not known.
        assert [changes["email"] for changes in told[1:]] == [(None, "ada@example.org")]

    def test_not_understood__then_understood(
        self, post_kinde: PostKinde, correct: Correct, settings: Any
    ) -> None:
        good = settings.BILLING_WEBHOOKS_PROVIDERS
        correct("Puzzled")
        post_kinde("customer.agreement_created", SIGN_UP)
        assert states() == ["dead"]
        replay(events.all())
        assert WebhookEvent.objects.get().last_error == "What does it say?"

        settings.BILLING_WEBHOOKS_PROVIDERS = good
        replay(events.all())
        assert states() == ["processed"]
        assert Subscription.objects.get().status == "active"


class TestCaller:
    """What the code that calls for a replay may be in the middle of."""

    def test_transaction__nothing_is_worked_before_its_end(
        self, connect: Connect, post_kinde: PostKinde
    ) -> None:
        calls: list[str] = []
        history(post_kinde)
        connect(event_processed, lambda event, **_: calls.append(event.event_type))
        with transaction.atomic():
            replay(events.all())
            assert calls == []
        assert len(calls) == 3

    def test_list__of_events_is_as_good_as_a_query(self, post_kinde: PostKinde) -> None:
        history(post_kinde)
        gone = WebhookEvent.objects.get(event_type="customer.something_new")
        some = list(events.all())
        gone.delete()
        replayed = replay(some)

        assert len(replayed.keys) == 2
        assert replayed.refused == {"It is no longer there.": 1}

    def test_slice__of_a_query(self, post_kinde: PostKinde) -> None:
        history(post_kinde)
        assert len(replay(events.all()[:2]).keys) == 2

    def test_bodies__are_not_loaded_beforehand(self, post_kinde: PostKinde) -> None:
        history(post_kinde)
        with CaptureQueriesContext(connection) as queries:
            replay(events.all())
        assert "body" not in queries.captured_queries[0]["sql"]

    def test_tell__counts_up_to_all_there_is(self, post_kinde: PostKinde) -> None:
        history(post_kinde)
        told: list[tuple[int, int]] = []
        replay(events.all(), tell=lambda done, of: told.append((done, of)))
        assert told == [(1, 3), (2, 3), (3, 3), (4, 4)]
