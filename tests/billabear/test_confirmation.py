"""What BillaBear's own API says counts more than what somebody with the secret has sent."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from django.db import connection, transaction

from billing_webhooks import confirming
from billing_webhooks.mailboxes import steps_taken
from billing_webhooks.models import (
    ConflictingDelivery,
    Customer,
    Mailbox,
    Payment,
    Plan,
    Subscription,
    WebhookEvent,
)
from billing_webhooks.previewing import NOT_ASKED, preview
from billing_webhooks.providers.billabear import BillaBearProvider, client
from billing_webhooks.providers.fetching import MAX_BYTES
from billing_webhooks.rebuilding import rebuild
from billing_webhooks.replaying import replay
from tests.billabear.api import API_KEY, StandIn, payment_row, subscription_row
from tests.billabear.conftest import Say, use_api, work_off
from tests.billabear.deliveries import (
    CONTENT,
    CUSTOMER,
    CUSTOMER_ID,
    PAYMENT_ID,
    PLAN,
    PLAN_ID,
    SUBSCRIPTION_ID,
    subscription,
)
from tests.conftest import PostBillaBear
from tests.snapshots import snapshot
from tests.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)

OTHER_ID = "11111111-2222-4333-8444-555555555555"
OF_NO_OBJECT = ("integration_", "tax_", "usage_")


def die(settings: Any) -> WebhookEvent:
    """Work the only event until its attempts are used up."""
    work_off(settings.BILLING_WEBHOOKS_MAX_ATTEMPTS)
    event = WebhookEvent.objects.get()
    assert (event.state, event.outcome, event.applied_at) == ("dead", "", None)
    return event


@pytest.fixture(autouse=True)
def few_attempts(settings: Any) -> None:
    settings.BILLING_WEBHOOKS_MAX_ATTEMPTS = 4


@pytest.mark.parametrize("event_type", sorted(set(CONTENT) - {"plan_deleted"}))
def test_genuine_event__confirmed(api: StandIn, say_later: Say, event_type: str) -> None:
    api.commit()
    event = say_later(event_type)

    assert (event.state, event.last_error) == ("processed", "")
    is_asked = not event_type.startswith(OF_NO_OBJECT)
    assert event.trust == ("confirmed" if is_asked else "secret")
    assert bool(event.confirmation) == bool(api.requests) == is_asked
    assert event.payload == {"type": event_type, **CONTENT[event_type]}


def test_payment__has_its_currency_from_the_api(api: StandIn, say_later: Say) -> None:
    api.commit()
    say_later("payment_received")

    payment = Payment.objects.get()
    assert payment.amount == 3000
    assert payment.currency == "EUR"


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"id": OTHER_ID}, "knows no such payment"),
        ({"amount": 300_000}, "another amount"),
        ({"customer": None, "id": OTHER_ID}, "knows no such payment"),
        ({"customer": CUSTOMER | {"id": OTHER_ID}}, "knows no such customer (404)"),
    ],
    ids=["id", "amount", "nobody's", "customer"],
)
def test_forged_payment__never_applied(
    api: StandIn,
    post_billabear: PostBillaBear,
    settings: Any,
    said: dict[str, Any],
    reason: str,
) -> None:
    api.commit()
    post_billabear("payment_received", **CONTENT["payment_received"] | said)
    event = die(settings)

    assert reason in event.last_error
    assert not Payment.objects.exists()
    assert not Customer.objects.exists()
    assert not rebuild("billabear").differences


@pytest.mark.parametrize(
    "row", [{"status": "failed"}, {"status": "pending"}, {"status": None}, {"amount": "3000"}]
)
def test_payment_that_was_not_received__never_applied(
    api: StandIn, post_billabear: PostBillaBear, settings: Any, row: dict[str, Any]
) -> None:
    api.commit()
    api.payments[CUSTOMER_ID] = [payment_row(**row)]
    post_billabear("payment_received", **CONTENT["payment_received"])
    die(settings)

    assert not Payment.objects.exists()


def test_payment_of_another_customer__never_applied(
    api: StandIn, post_billabear: PostBillaBear, settings: Any
) -> None:
    api.commit()
    api.customers[OTHER_ID] = {"id": OTHER_ID, "status": "active"}
    thief = CUSTOMER | {"id": OTHER_ID}
    post_billabear("payment_received", id=PAYMENT_ID, amount=3000, customer=thief)

    assert "knows no such payment" in die(settings).last_error
    assert not Payment.objects.exists()


def test_payment_of_nobody__looked_for_among_all(api: StandIn, say_later: Say) -> None:
    api.commit()
    event = say_later("payment_received", customer=None)

    assert (event.state, event.trust) == ("processed", "confirmed")
    assert api.requests == ["/api/v1/payment?limit=100"]


def test_forged_status__is_that_of_the_api(api: StandIn, say_later: Say) -> None:
    api.commit()
    api.subscriptions[CUSTOMER_ID] = [subscription_row("cancelled", "Basic")]
    forged = CUSTOMER | {"email": "mallory@example.org", "is_disabled": True}
    event = say_later("subscription_updated", customer=forged)

    row = Subscription.objects.get()
    assert (row.status, row.provider_status, row.plan_name) == ("cancelled", "cancelled", "Basic")
    customer = Customer.objects.get()
    assert (customer.email, customer.is_disabled) == (CUSTOMER["email"], False)
    assert event.payload["subscription"] == subscription("active")


def test_subscription_of_another_customer__never_applied(
    api: StandIn, post_billabear: PostBillaBear, settings: Any
) -> None:
    api.commit()
    api.customers[OTHER_ID] = {"id": OTHER_ID, "status": "active"}
    content = CONTENT["subscription_updated"] | {"customer": CUSTOMER | {"id": OTHER_ID}}
    post_billabear("subscription_updated", **content)

    assert "knows no such subscription" in die(settings).last_error
    assert not Subscription.objects.exists()


@pytest.mark.parametrize(
    ("event_type", "status", "is_disabled"),
    [("customer_disabled", "active", False), ("customer_enabled", "disabled", True)],
)
def test_forged_switch__is_that_of_the_api(
    api: StandIn, say_later: Say, event_type: str, status: str, is_disabled: bool
) -> None:
    api.commit()
    api.customers[CUSTOMER_ID]["status"] = status
    say_later(event_type)

    assert Customer.objects.get().is_disabled is is_disabled


def test_forged_plan__is_that_of_the_api(api: StandIn, say_later: Say) -> None:
    api.commit()
    say_later("plan_updated", plan=PLAN | {"code": "free", "name": "Free"})

    plan = Plan.objects.get()
    assert (plan.code, plan.name, plan.trial_days) == ("pro", "Pro", 14)


def test_deleted_plan__must_be_gone(api: StandIn, say_later: Say) -> None:
    api.commit()
    event = say_later("plan_deleted")
    assert (event.state, event.last_error) == (
        "pending",
        "BillaBear's API knows the plan still.",
    )
    api.plans = []
    work_off()

    plan = Plan.objects.get()
    assert (plan.external_id, plan.is_deleted) == (PLAN_ID, True)


@pytest.mark.parametrize("event_type", sorted(set(CONTENT) - {"plan_deleted"}))
def test_event_before_the_commit__applied_after_it(
    api: StandIn, post_billabear: PostBillaBear, event_type: str
) -> None:
    post_billabear(event_type, **CONTENT[event_type])
    work_off()
    event = WebhookEvent.objects.get()
    is_asked = not event_type.startswith(OF_NO_OBJECT)
    assert (event.state, event.attempts) == ("pending" if is_asked else "processed", 1)
    api.commit()
    work_off(2)

    event.refresh_from_db()
    assert event.state == "processed"
    assert not rebuild("billabear").differences


def test_change_before_the_commit__waited_for(api: StandIn, post_billabear: PostBillaBear) -> None:
    api.commit()
    change = {"subscription": subscription("paused", "Max")}
    post_billabear("subscription_updated", **CONTENT["subscription_updated"] | change)
    work_off()
    assert not Subscription.objects.exists()
    waits = WebhookEvent.objects.get()
    assert waits.next_attempt_at is not None
    assert (waits.next_attempt_at - waits.received_at).total_seconds() > 4
    api.subscriptions[CUSTOMER_ID] = [subscription_row("paused", "Max")]
    work_off()

    row = Subscription.objects.get()
    assert (row.status, row.plan_name) == ("paused", "Max")


def test_single_attempt__waits_for_nothing(api: StandIn, say_later: Say, settings: Any) -> None:
    settings.BILLING_WEBHOOKS_MAX_ATTEMPTS = 1
    api.commit()

    assert say_later("subscription_cancelled").state == "processed"
    assert Subscription.objects.get().status == "active"


def test_out_of_order__ends_in_what_is(api: StandIn, say_later: Say) -> None:
    api.commit()
    api.subscriptions[CUSTOMER_ID] = [subscription_row("cancelled", "Max")]
    for event_type in ("subscription_cancelled", "subscription_updated", "subscription_created"):
        say_later(event_type)

    row = Subscription.objects.get()
    assert (row.external_id, row.status) == (SUBSCRIPTION_ID, "cancelled")
    assert row.plan_name == "Max"
    assert not rebuild("billabear").differences


FAILURES: dict[str, Any] = {
    "key": (401, {}, b"[]"),
    "forbidden": (403, {}, b"[]"),
    "fault": (500, {}, b"<html>"),
    "busy": (429, {}, b""),
    "page": (200, {}, b"<html>hello</html>"),
    "nothing": (200, {}, b""),
    "null": (200, {}, b"null"),
    "list": (200, {}, b"[]"),
    "another": (200, {}, b'{"id": "x", "status": "active"}'),
    "no status": (200, {}, b'{"id": "%s"}' % CUSTOMER_ID.encode()),
    "data is no list": (200, {}, b'{"data": {}}'),
    "huge": (200, {}, b'{"data": "' + b"x" * MAX_BYTES + b'"}'),
    "deep": (200, {}, b"[" * 5_000),
}


@pytest.mark.parametrize("event_type", ["customer_created", "payment_received", "plan_updated"])
@pytest.mark.parametrize("failure", FAILURES)
def test_useless_answer__postponed_and_then_applied(
    api: StandIn, say_later: Say, failure: str, event_type: str
) -> None:
    api.instead = FAILURES[failure]
    event = say_later(event_type)
    assert (event.state, event.attempts, event.outcome) == ("pending", 2, "")
    assert "BillaBear's API" in event.last_error
    assert "Traceback" not in event.last_error
    api.instead = None
    api.commit()
    work_off()

    event.refresh_from_db()
    assert (event.state, event.trust) == ("processed", "confirmed")


def test_nobody_listens__postponed(api: StandIn, say_later: Say, settings: Any) -> None:
    use_api(settings, API_URL="http://127.0.0.1:1/api/v1")
    event = say_later("customer_created")

    assert (event.state, event.attempts) == ("pending", 2)
    assert event.last_error == "BillaBear's API cannot be asked: URLError."


def test_redirect__not_followed_and_the_key_stays(api: StandIn, say_later: Say) -> None:
    with StandIn() as elsewhere:
        api.instead = (302, {"Location": f"{elsewhere.url}/customer"}, b"")
        event = say_later("customer_created")

        assert event.last_error == "BillaBear's API redirects, which is not followed."
        assert not elsewhere.requests


def test_http_to_elsewhere__nothing_is_sent(say_later: Say, settings: Any) -> None:
    settings.BILLING_WEBHOOKS_DISPATCH = "deferred"
    use_api(settings, API_URL="http://billabear.example.com/api/v1")

    assert "only https" in say_later("customer_created").last_error


@pytest.mark.parametrize("rows", [1, 2, 249, 250])
def test_pages__followed_to_the_last(api: StandIn, say_later: Say, rows: int) -> None:
    api.commit()
    others = [payment_row(id=f"{n}") for n in range(rows - 1)]
    api.payments[CUSTOMER_ID] = [*others, payment_row()]

    assert say_later("payment_received").state == "processed"
    assert len(api.requests) == 1 + -(-rows // 100)


@pytest.mark.parametrize(
    "page", [b'{"data":[],"has_more":true,"last_key":7}', b'{"data":[],"has_more":true}']
)
def test_pages_that_do_not_go_on__no_loop(api: StandIn, say_later: Say, page: bytes) -> None:
    api.instead = (200, {}, page)
    say_later("payment_received", customer=None)

    assert len(api.requests) <= 4


def test_plan_that_is_not_in_half_a_list__not_held_to_be_deleted(
    api: StandIn, say_later: Say
) -> None:
    api.instead = (200, {}, b'{"data":[],"has_more":true}')
    event = say_later("plan_deleted")

    assert event.last_error == "BillaBear's API breaks off its list of plans."
    assert not Plan.objects.exists()


def test_pages_without_end__given_up(
    api: StandIn, say_later: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "MAX_PAGES", 3)
    api.commit()
    api.page = 1
    api.payments[CUSTOMER_ID] = [payment_row(id=f"{n}") for n in range(9)] + [payment_row()]

    assert "first 3 pages" in say_later("payment_received").last_error


def test_key__in_its_header_and_nowhere_else(
    api: StandIn, say_later: Say, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    api.commit()
    event = say_later("payment_received")
    api.instead = FAILURES["key"]
    refused = say_later("customer_created")

    assert api.keys == {API_KEY}
    assert not any(API_KEY in path for path in api.requests)
    provider = BillaBearProvider(
        "shop", settings.BILLING_WEBHOOKS_PROVIDERS["billabear"]["OPTIONS"]
    )
    told = f"{provider!r} {vars(provider._client)!r} {refused.last_error} {event.__dict__!r}"
    assert API_KEY not in told + caplog.text


def test_replay_and_rebuild__ask_nobody(api: StandIn, post_billabear: PostBillaBear) -> None:
    api.commit()
    api.subscriptions[CUSTOMER_ID] = [subscription_row("past", "Basic")]
    for event_type in ("payment_received", "subscription_updated", "plan_created"):
        post_billabear(event_type, **CONTENT[event_type])
    work_off(2)
    rows, asked = snapshot(), len(api.requests)
    api.instead = FAILURES["fault"]
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
    assert [each.failed for each in preview([event])] == [NOT_ASKED]
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
    """Notes whether a transaction is open when the worker is about to ask."""

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
    assert asked_in_transaction == [False]


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
