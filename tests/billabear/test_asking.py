"""When BillaBear's API is asked, and when not: in no transaction, and never twice."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection, transaction

from billing_webhooks import confirming
from billing_webhooks.mailboxes import steps_taken
from billing_webhooks.models import (
    ConflictingDelivery,
    Mailbox,
    Payment,
    WebhookEvent,
)
from billing_webhooks.previewing import NOT_ASKED, preview
from billing_webhooks.providers.billabear import BillaBearProvider
from billing_webhooks.rebuilding import rebuild
from billing_webhooks.replaying import replay
from tests.billabear.api import StandIn, subscription_row
from tests.billabear.conftest import Say, use_api, work_off
from tests.billabear.deliveries import (
    CONTENT,
    CUSTOMER_ID,
)
from tests.conftest import PostBillaBear
from tests.snapshots import snapshot
from tests.waiting import until

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("few_attempts"),
]

OTHER_ID = "11111111-2222-4333-8444-555555555555"
OF_NO_OBJECT = ("integration_", "tax_", "usage_")


def die(settings: Any) -> WebhookEvent:
    """Work the only event until its attempts are used up."""
    work_off(settings.BILLING_WEBHOOKS_MAX_ATTEMPTS)
    event = WebhookEvent.objects.get()
    assert (event.state, event.outcome, event.applied_at) == ("dead", "", None)
    return event


def test_replay_and_rebuild__ask_nobody(api: StandIn, post_billabear: PostBillaBear) -> None:
    api.commit()
    api.subscriptions[CUSTOMER_ID] = [subscription_row("past", "Basic")]
    for event_type in ("payment_received", "subscription_updated", "plan_created"):
        post_billabear(event_type, **CONTENT[event_type])
    work_off(2)
    rows, asked = snapshot(), len(api.requests)
    api.instead = (500, {}, b"<html>")
    api.customers[CUSTOMER_ID]["email"] = "later@example.org"
    assert not rebuild("billabear").differences
    assert not [each for each in preview(WebhookEvent.objects.all()) if each.changes]
    replay(WebhookEvent.objects.all())
    work_off()

    assert set(WebhookEvent.objects.values_list("state", "trust")) == {("processed", "confirmed")}
    assert (snapshot(), len(api.requests)) == (rows, asked)


def test_event_applied_before_there_was_an_api__not_asked_about(
    post_billabear: PostBillaBear, settings: Any, no_waiting: None
) -> None:
    post_billabear("payment_received", **CONTENT["payment_received"])
    with StandIn() as api:
        use_api(settings, API_URL=api.url)
        replay(WebhookEvent.objects.all())

        assert not api.requests
    event = WebhookEvent.objects.get()
    assert (event.state, event.trust) == ("processed", "secret")
    assert Payment.objects.exists()


def test_dead_event__asked_about_when_it_is_replayed(
    api: StandIn, post_billabear: PostBillaBear, settings: Any
) -> None:
    post_billabear("payment_received", **CONTENT["payment_received"])
    event = die(settings)
    api.commit()
    assert [each.failed for each in preview([event])] == [str(NOT_ASKED)]
    replay([event])
    work_off()

    assert Payment.objects.get().amount == 3000


def test_contradiction__kept_beside_the_payment(
    api: StandIn, post_billabear: PostBillaBear, say_later: Say
) -> None:
    api.commit()
    say_later("payment_received")
    post_billabear("payment_received", **CONTENT["payment_received"] | {"amount": 1})
    work_off()

    assert ConflictingDelivery.objects.count() == 1
    assert Payment.objects.get().amount == 3000


def test_unreadable_event__dead_without_asking(api: StandIn, say_later: Say) -> None:
    api.commit()
    event = say_later("payment_received", amount="a lot")

    assert (event.state, event.attempts) == ("dead", 1)
    assert not api.requests


def test_unknown_type__not_asked_about(api: StandIn, post_billabear: PostBillaBear) -> None:
    post_billabear("moon_landed")
    work_off()

    assert WebhookEvent.objects.get().outcome == "unhandled"
    assert not api.requests


asked_in_transaction: list[bool] = []


class Watched(BillaBearProvider):
    """Notes whether a transaction is open whenever a worker wants to know whether to ask."""

    @property
    def confirms(self) -> bool:
        asked_in_transaction.append(transaction.get_connection().in_atomic_block)
        return super().confirms


def test_asking__in_no_transaction(api: StandIn, say_later: Say, settings: Any) -> None:
    asked_in_transaction.clear()
    configured = settings.BILLING_WEBHOOKS_PROVIDERS
    entry = configured["billabear"] | {"BACKEND": f"{__name__}.Watched"}
    settings.BILLING_WEBHOOKS_PROVIDERS = {**configured, "billabear": entry}
    api.commit()

    assert say_later("payment_received").state == "processed"
    # A batch leaves out what is to be asked about; who asks is not in a transaction.
    assert asked_in_transaction == [True, False]


def test_slow_api__others_may_write_and_the_worker_is_seen_to_live(
    api: StandIn, say_later: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(confirming, "SIGN_OF_LIFE_SECONDS", 0.01)
    api.commit()
    mailbox = Mailbox.objects.create(key=f"billabear:customer:{CUSTOMER_ID}")
    steps: list[int] = []

    def steps_are_taken() -> bool:
        steps.append(steps_taken("default", mailbox.key))
        return len(set(steps)) > 3

    def look() -> None:
        try:
            until(steps_are_taken, lambda: Mailbox.objects.update_or_create(key="billabear:other"))
        finally:
            connection.close()

    api.meanwhile = look
    assert say_later("customer_created").state == "processed"
    assert len(set(steps)) > 3


def test_endless_api__postponed(
    api: StandIn, say_later: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(confirming, "LONGEST_SECONDS", 0.0)
    event = say_later("customer_created")

    assert event.last_error == "The provider's API takes longer than 0 seconds."
    assert event.state == "pending"
