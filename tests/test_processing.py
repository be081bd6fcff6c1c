"""Stored events are worked off: in order, again after a failure, and never for ever."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from billing_webhooks import attempts
from billing_webhooks.conf import settings as app_settings
from billing_webhooks.models import Customer, Payment, Plan, Subscription, WebhookEvent
from billing_webhooks.sweeping import sweep
from tests.conftest import PostBillaBear, PostKinde, at

pytestmark = pytest.mark.django_db(transaction=True)

PAYMENT = "0b1e5c1e-0000-4000-8000-000000000031"
SIGN_UP = {
    "customer_id": "customer_1",
    "agreement_id": "agreement_1",
    "plan": {"code": "pro", "name": "Pro"},
}


@pytest.fixture
def deferred(settings: Any) -> None:
    settings.BILLING_WEBHOOKS_DISPATCH = "deferred"


def process(*options: str) -> str:
    out = StringIO()
    call_command("billing_webhooks", "process", *options, stdout=out)
    return out.getvalue()


def test_deferred__events_wait_for_the_command(deferred: None, post_kinde: PostKinde) -> None:
    for _ in range(3):
        post_kinde("customer.agreement_created", SIGN_UP)
    assert set(WebhookEvent.objects.values_list("state", flat=True)) == {"pending"}
    assert not Customer.objects.exists()

    assert process("--limit", "2") == "Worked off 2 events.\n"
    assert process() == "Worked off 1 events.\n"
    assert set(WebhookEvent.objects.values_list("state", flat=True)) == {"processed"}
    assert Customer.objects.get().subscriptions.get().status == "active"


def test_command__needs_an_operation() -> None:
    with pytest.raises(CommandError):
        call_command("billing_webhooks")


def test_work__takes_a_customers_events_in_the_order_in_which_they_occurred(
    deferred: None, post_kinde: PostKinde
) -> None:
    post_kinde("customer.payment_failed", SIGN_UP, occurred_at=at("12:00"))
    post_kinde("customer.agreement_created", SIGN_UP, occurred_at=at("10:00"))
    process()
    worked = WebhookEvent.objects.order_by("occurred_at")
    statuses = [
        entry["fields"]["status"]
        for event in worked
        for entry in event.changes
        if entry["model"] == "subscription"
    ]
    assert statuses == [[None, "active"], ["active", "past_due"]]


def test_inline__a_request_works_off_a_few_and_leaves_the_rest(
    post_kinde: PostKinde, settings: Any
) -> None:
    settings.BILLING_WEBHOOKS_DISPATCH = "deferred"
    for _ in range(4):
        post_kinde("customer.agreement_created", SIGN_UP)
    settings.BILLING_WEBHOOKS_DISPATCH = "inline"
    settings.BILLING_WEBHOOKS_INLINE_LIMIT = 3
    post_kinde("customer.agreement_created", SIGN_UP)
    assert WebhookEvent.objects.filter(state="processed").count() == 3
    assert WebhookEvent.objects.filter(state="pending").count() == 2


def test_process__a_mailbox_that_cannot_be_worked_does_not_stop_the_others(
    deferred: None, post_kinde: PostKinde
) -> None:
    for number in range(3):
        post_kinde("customer.plan_assigned", {"customer_id": f"customer_{number}"})
    # Another attempt cannot be counted: the column is full.
    _, most = connection.ops.integer_field_range("PositiveIntegerField")
    broken = WebhookEvent.objects.get(mailbox="kinde:customer:customer_0")
    WebhookEvent.objects.filter(pk=broken.pk).update(attempts=most)
    assert process() == "Worked off 2 events.\n"
    assert WebhookEvent.objects.filter(state="processed").count() == 2


def test_outcome__of_news_repeats_and_late_news(post_kinde: PostKinde) -> None:
    post_kinde("customer.agreement_created", SIGN_UP, occurred_at=at("10:00"))
    post_kinde("customer.agreement_created", SIGN_UP, occurred_at=at("11:00"))
    renamed = {**SIGN_UP, "plan": {"code": "pro", "name": "Old name"}}
    post_kinde("customer.agreement_created", renamed, occurred_at=at("09:00"))
    post_kinde("customer.something_new", SIGN_UP, occurred_at=at("13:00"))
    outcomes = WebhookEvent.objects.order_by("received_at").values_list("outcome", flat=True)
    # The late one moves the start of the agreement back, and loses on the name.
    assert list(outcomes) == ["applied", "no_effect", "applied", "unhandled"]
    assert Subscription.objects.get().started_at == at("09:00")
    assert Plan.objects.get().name == "Pro"


def test_outcome__superseded(post_kinde: PostKinde) -> None:
    payment = {"customer_id": "customer_1", "payment_id": "p1"}
    post_kinde("customer.payment_failed", payment, occurred_at=at("12:00"))
    post_kinde("customer.payment_succeeded", payment, occurred_at=at("11:00"))

    assert WebhookEvent.objects.order_by("-received_at")[0].outcome == "superseded"
    assert Payment.objects.get().status == "failed"
    assert Customer.objects.get().collection == "failed"


def test_changes__are_kept_on_the_event(post_kinde: PostKinde) -> None:
    post_kinde("customer.agreement_created", SIGN_UP, occurred_at=at("10:00"))
    event = WebhookEvent.objects.get()
    subscription = Subscription.objects.get()
    [entry] = [entry for entry in event.changes if entry["model"] == "subscription"]
    assert entry["id"] == subscription.pk
    assert entry["created"] is True
    assert entry["fields"]["started_at"] == [None, "2026-03-02T10:00:00Z"]
    assert event.customer == subscription.customer


def test_not_understood__is_dead_at_once_and_touches_no_row(post_billabear: PostBillaBear) -> None:
    assert (
        post_billabear("payment_received", id=PAYMENT, customer=None, amount=19.99).status_code
        == 200
    )
    event = WebhookEvent.objects.get()
    assert (event.state, event.attempts) == ("dead", 1)
    assert "amount" in event.last_error
    assert not Payment.objects.exists()


def test_bad_event__does_not_block_its_customer(post_billabear: PostBillaBear) -> None:
    customer = {"id": "0b1e5c1e-0000-4000-8000-000000000001", "email": "ada@example.org"}
    post_billabear("payment_received", id=PAYMENT, customer=customer, amount="12")
    post_billabear("customer_created", customer=customer)
    states = WebhookEvent.objects.order_by("received_at").values_list("state", flat=True)
    assert list(states) == ["dead", "processed"]
    assert Customer.objects.get().email == "ada@example.org"


def test_unconfigured_alias__waits_and_is_worked_when_it_is_back(
    deferred: None, post_kinde: PostKinde, settings: Any
) -> None:
    post_kinde("customer.agreement_created", SIGN_UP)
    configured = settings.BILLING_WEBHOOKS_PROVIDERS
    settings.BILLING_WEBHOOKS_PROVIDERS = {}
    process()
    event = WebhookEvent.objects.get()
    assert event.state == "pending"
    assert "'kinde'" in event.last_error

    settings.BILLING_WEBHOOKS_PROVIDERS = configured
    WebhookEvent.objects.update(next_attempt_at=at("00:00"))
    process()
    assert WebhookEvent.objects.get().state == "processed"


def test_attempts__when_used_up_the_event_is_dead(
    deferred: None, post_kinde: PostKinde, settings: Any
) -> None:
    settings.BILLING_WEBHOOKS_MAX_ATTEMPTS = 2
    post_kinde("customer.agreement_created", SIGN_UP)
    settings.BILLING_WEBHOOKS_PROVIDERS = {}
    for _ in range(2):
        WebhookEvent.objects.update(next_attempt_at=at("00:00"))
        process()
    event = WebhookEvent.objects.get()
    assert (event.state, event.attempts) == ("dead", 2)


def test_attempts__of_workers_that_died_are_used_up_too(
    deferred: None, post_kinde: PostKinde
) -> None:
    post_kinde("customer.agreement_created", SIGN_UP)
    # What is left of an event whose every worker was killed: counted, and never ended.
    WebhookEvent.objects.update(attempts=app_settings.MAX_ATTEMPTS, attempt_began_at=timezone.now())
    process()
    event = WebhookEvent.objects.get()
    assert event.state == "dead"
    assert "not heard of" in event.last_error


@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo", "America/Los_Angeles"])
def test_due__whatever_the_time_zone_of_the_database(
    deferred: None, post_kinde: PostKinde, monkeypatch: pytest.MonkeyPatch, zone: str
) -> None:
    monkeypatch.setitem(connection.settings_dict, "TIME_ZONE", zone)
    for name in ("timezone", "timezone_name"):
        # Django remembers both for as long as the connection lasts.
        monkeypatch.delitem(connection.__dict__, name, raising=False)
    connection.close()
    post_kinde("customer.agreement_created", SIGN_UP)

    assert sweep() == 1
    post_kinde("customer.agreement_created", SIGN_UP)
    WebhookEvent.objects.filter(state="pending").update(
        next_attempt_at=timezone.now() + timedelta(minutes=1)
    )
    assert sweep() == 0
    connection.close()
    for name in ("timezone", "timezone_name"):
        connection.__dict__.pop(name, None)


@pytest.mark.parametrize(
    ("attempt", "longest"),
    [(1, 2), (2, 4), (5, 32), (12, 3600), (10**6, 3600)],
    ids=lambda value: str(value),
)
def test_backoff__doubles_up_to_the_cap_with_full_jitter(attempt: int, longest: int) -> None:
    waits = [attempts.backoff(attempt) for _ in range(200)]
    assert all(timedelta() <= wait <= timedelta(seconds=longest) for wait in waits)
    assert len(set(waits)) > 100


def test_statements__the_number_does_not_grow_with_history(
    deferred: None, post_kinde: PostKinde
) -> None:
    def statements() -> int:
        post_kinde("customer.payment_succeeded", SIGN_UP)
        with CaptureQueriesContext(connection) as queries:
            assert sweep() == 1
        return len(queries)

    post_kinde("customer.agreement_created", SIGN_UP)
    process()
    early = statements()
    for _ in range(10):
        post_kinde("customer.payment_succeeded", SIGN_UP)
    process()
    assert statements() == early


def test_quarantined__is_not_worked(post_billabear: PostBillaBear, client: Any) -> None:
    assert post_billabear("customer_created", customer=None).status_code == 400
    assert sweep() == 0
    assert WebhookEvent.objects.get().state == "quarantined"
