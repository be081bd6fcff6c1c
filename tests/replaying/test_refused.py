"""What cannot be replayed is refused with the reason, and left exactly as it is."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from billing_webhooks.models import Customer, Payment, WebhookEvent
from billing_webhooks.pruning import prune
from billing_webhooks.replaying import Scope, replay
from billing_webhooks.testing import billabear_body
from tests.conftest import SECRET, PostBillaBear, PostKinde, basic
from tests.replaying.conftest import SIGN_UP, Correct, states

pytestmark = pytest.mark.django_db(transaction=True)

events = WebhookEvent.objects.order_by("received_at")
ADA = {"id": "0b1e5c1e-0000-4000-8000-000000000001", "email": "ada@example.org"}
PAYMENT = {"id": "0b1e5c1e-0000-4000-8000-000000000031", "customer": ADA, "amount": 3000}


def refusal() -> str:
    """Return why the one event is not replayed; it must be left as it is."""
    (before,) = events.values()
    replayed = replay(events.all())
    assert replayed.keys == []
    assert list(events.values()) == [before]
    (reason,) = replayed.refused
    return reason


def test_under_way(post_kinde: PostKinde) -> None:
    post_kinde("customer.agreement_created", SIGN_UP)
    events.update(state="pending", attempt_began_at=timezone.now())
    assert refusal() == "It is being worked now."


def test_pruned(post_kinde: PostKinde) -> None:
    post_kinde("customer.agreement_created", SIGN_UP)
    prune(older_than=timedelta())
    assert refusal() == "It was pruned: what it said is gone."


def test_unconfigured_alias(post_kinde: PostKinde, settings: Any) -> None:
    post_kinde("customer.agreement_created", SIGN_UP)
    settings.BILLING_WEBHOOKS_PROVIDERS = {}
    assert refusal() == "No provider is configured under 'kinde'."


def test_misconfigured_alias(post_kinde: PostKinde, settings: Any) -> None:
    post_kinde("customer.agreement_created", SIGN_UP)
    settings.BILLING_WEBHOOKS_PROVIDERS = {"kinde": {"BACKEND": "no.such.Provider"}}
    assert "no.such.Provider" in refusal()


def test_one_refused__does_not_stop_the_others(post_kinde: PostKinde) -> None:
    for number in range(3):
        post_kinde("customer.plan_assigned", {"customer_id": f"customer_{number}"})
    middle = events[1]
    events.filter(pk=middle.pk).update(attempt_began_at=timezone.now())
    replayed = replay(events.all())

    assert len(replayed.keys) == 2
    assert replayed.refused == {"It is being worked now.": 1}


class TestQuarantine:
    """What was no event when it arrived may be one to a later release."""

    @pytest.fixture(autouse=True)
    def later(self, correct: Correct, settings: Any) -> None:
        self.later = settings.BILLING_WEBHOOKS_PROVIDERS
        correct("Unready", "billabear")

    def test_released__when_it_can_be_read(
        self, post_billabear: PostBillaBear, settings: Any
    ) -> None:
        assert post_billabear("payment_received", **PAYMENT).status_code == 400
        assert states() == ["quarantined"]
        assert refusal() == "Not yet."

        settings.BILLING_WEBHOOKS_PROVIDERS = self.later
        replay(events.all())
        event = events.get()
        assert (event.state, event.outcome) == ("processed", "applied")
        assert event.event_type == "payment_received"
        assert event.mailbox == f"billabear:customer:{ADA['id']}"
        assert event.customer == Customer.objects.get()
        assert Payment.objects.get().amount == 3000

    def test_released__is_known_from_now_on(
        self, post_billabear: PostBillaBear, settings: Any
    ) -> None:
        post_billabear("payment_received", **PAYMENT)
        settings.BILLING_WEBHOOKS_PROVIDERS = self.later
        replay(events.all())
        post_billabear("payment_received", **PAYMENT)

        assert events.get().deliveries == 2

    def test_repeated__of_two_that_are_one_event_the_second_stays(
        self, post_billabear: PostBillaBear, settings: Any
    ) -> None:
        for _ in range(2):
            post_billabear("payment_received", **PAYMENT)
        settings.BILLING_WEBHOOKS_PROVIDERS = self.later
        replayed = replay(events.all())

        first, second = events.all()
        assert replayed.refused == {f"It repeats the event {first.pk}.": 1}
        assert (first.state, second.state) == ("processed", "quarantined")
        assert (second.event_type, second.last_error) == ("", "Not yet.")

    def test_fault_of_the_provider__harms_that_event_alone(
        self, post_billabear: PostBillaBear, post_kinde: PostKinde, correct: Correct
    ) -> None:
        post_billabear("payment_received", **PAYMENT)
        post_kinde("customer.agreement_created", SIGN_UP)
        correct("Faulty", "billabear")
        replayed = replay(events.all())

        assert len(replayed.keys) == 1
        assert replayed.refused == {"Reading it failed with ZeroDivisionError.": 1}


def test_quarantined__that_never_is_an_event_stays(client: Client) -> None:
    client.post(
        "/webhooks/billabear",
        billabear_body("customer_created")[:-1],
        content_type="text/plain",
        headers={"Authorization": basic(SECRET)},
    )
    assert refusal() == events.get().last_error


def test_scope__of_a_gone_event(post_kinde: PostKinde) -> None:
    post_kinde("customer.agreement_created", SIGN_UP)
    gone = list(events.all())
    events.all().delete()
    assert replay(gone, Scope("new")).refused == {"It is no longer there.": 1}
