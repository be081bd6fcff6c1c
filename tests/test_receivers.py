"""Receivers run one by one, are remembered, and do each other no harm."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.dispatch import receiver
from django.utils import timezone

from billing_webhooks import processing, signals
from billing_webhooks.exceptions import DuplicateReceiver, GiveUp, RetryLater
from billing_webhooks.models import Customer, Plan, ReceiverRun, WebhookEvent
from billing_webhooks.providers.billabear import signals as billabear
from billing_webhooks.providers.kinde import signals as kinde
from billing_webhooks.signals import EventSignal, event_processed
from tests.billabear.deliveries import CONTENT
from tests.conftest import PostBillaBear, PostKinde, at
from tests.models import Tally

pytestmark = pytest.mark.django_db(transaction=True)

WHO = {"customer_id": "customer_1"}
SIGN_UP = {**WHO, "agreement_id": "agreement_1", "plan": {"code": "pro", "name": "Pro"}}

Connect = Callable[..., Any]


@pytest.fixture
def connect() -> Iterator[Connect]:
    """Connect receivers for the length of a test, under a name of their own."""
    connected: list[tuple[EventSignal, str]] = []

    def connect(signal: EventSignal, function: Callable[..., Any], name: str = "it") -> None:
        signal.connect(function, weak=False, dispatch_uid=name)
        connected.append((signal, name))

    yield connect
    for signal, name in connected:
        signal.disconnect(dispatch_uid=name)


@pytest.fixture
def heard(connect: Connect) -> list[tuple[str, dict[str, Any]]]:
    """Every domain signal that was heard, with its arguments."""
    heard: list[tuple[str, dict[str, Any]]] = []
    for name, signal in signals.DOMAIN_SIGNALS.items():

        def hear(name: str = name, **arguments: Any) -> None:
            heard.append((name, arguments))

        connect(signal, hear)
    return heard


def names(heard: list[tuple[str, dict[str, Any]]]) -> list[str]:
    return [name for name, _ in heard]


def make_due() -> None:
    WebhookEvent.objects.filter(state="pending").update(next_attempt_at=timezone.now())


def test_receiver__gets_the_event_and_what_it_is_about(
    connect: Connect, post_kinde: PostKinde
) -> None:
    calls: list[dict[str, Any]] = []
    connect(kinde.customer_agreement_created, lambda **arguments: calls.append(arguments))

    post_kinde("customer.agreement_created", SIGN_UP)

    [call] = calls
    assert call["sender"] is WebhookEvent
    assert call["signal"] is kinde.customer_agreement_created
    assert call["event"] == WebhookEvent.objects.get()
    assert call["customer"] == Customer.objects.get()
    assert call["subscription"].plan == call["plan"]
    assert call["payment"] is None
    assert call["changes"]["subscription"]["status"] == (None, "active")


def test_receiver__decorator_and_sender_work_as_django_documents(post_kinde: PostKinde) -> None:
    calls: list[Any] = []

    @receiver(signals.customer_created, sender=WebhookEvent)
    def welcome(sender: Any, event: Any, customer: Any, **kwargs: Any) -> None:
        calls.append(customer.external_id)

    post_kinde("customer.agreement_created", SIGN_UP)
    assert calls == ["customer_1"]


def test_receiver__may_be_async(connect: Connect, post_kinde: PostKinde) -> None:
    calls: list[str] = []

    async def hear(event: WebhookEvent, **kwargs: Any) -> None:
        await Tally.objects.acreate(name="made by an async receiver")
        calls.append(event.event_type)

    connect(event_processed, hear)
    post_kinde("customer.agreement_created", SIGN_UP)
    assert calls == ["customer.agreement_created"]
    assert Tally.objects.exists()


def test_receiver__failing_neither_stops_nor_repeats_the_others(
    connect: Connect, post_kinde: PostKinde
) -> None:
    calls: list[str] = []

    def fail(**kwargs: Any) -> None:
        calls.append("bad")
        raise ValueError("not today")

    connect(event_processed, lambda **kwargs: calls.append("before"), "before")
    connect(event_processed, fail, "bad")
    connect(event_processed, lambda **kwargs: calls.append("after"), "after")

    assert post_kinde("customer.agreement_created", SIGN_UP).status_code == 200
    event = WebhookEvent.objects.get()
    assert (event.state, event.attempts) == ("pending", 1)
    assert event.next_attempt_at is not None

    make_due()
    processing.work_due()

    assert calls == ["before", "bad", "after", "bad"]
    runs = dict(ReceiverRun.objects.values_list("receiver", "state"))
    assert runs == {"before": "succeeded", "bad": "failed", "after": "succeeded"}
    assert "not today" in ReceiverRun.objects.get(receiver="bad").last_error


def test_receiver__writes_are_rolled_back_when_it_fails(
    connect: Connect, post_kinde: PostKinde
) -> None:
    def write_and_fail(**kwargs: Any) -> None:
        Tally.objects.create(name="half done")
        raise ValueError

    connect(event_processed, write_and_fail)
    post_kinde("customer.agreement_created", SIGN_UP)
    assert not Tally.objects.exists()
    assert Customer.objects.exists()


def test_receiver__that_recovers_lets_the_event_be_processed(
    connect: Connect, post_kinde: PostKinde
) -> None:
    moods = iter([ValueError("first time"), None])

    def hear(**kwargs: Any) -> None:
        if (mood := next(moods)) is not None:
            raise mood

    connect(event_processed, hear)
    post_kinde("customer.agreement_created", SIGN_UP)
    make_due()
    processing.work_due()

    assert WebhookEvent.objects.get().state == "processed"
    assert ReceiverRun.objects.get().attempts == 2


def test_receiver__retry_later_waits_as_long_as_it_asks(
    connect: Connect, post_kinde: PostKinde
) -> None:
    def hear(**kwargs: Any) -> None:
        raise RetryLater("rate limited", after=timedelta(hours=5))

    connect(event_processed, hear)
    before = timezone.now()
    post_kinde("customer.agreement_created", SIGN_UP)

    event = WebhookEvent.objects.get()
    assert event.state == "pending"
    assert event.next_attempt_at is not None
    assert event.next_attempt_at >= before + timedelta(hours=5)


def test_receiver__give_up_is_final_for_it_alone(connect: Connect, post_kinde: PostKinde) -> None:
    calls: list[str] = []

    def give_up(**kwargs: Any) -> None:
        raise GiveUp("nobody there")

    connect(event_processed, give_up, "quitter")
    connect(event_processed, lambda **kwargs: calls.append("after"), "after")
    post_kinde("customer.agreement_created", SIGN_UP)

    event = WebhookEvent.objects.get()
    assert event.state == "dead"
    assert "quitter" in event.last_error
    assert calls == ["after"]


def test_receiver__is_not_run_again_by_a_repeated_delivery(
    connect: Connect, post_kinde: PostKinde
) -> None:
    calls: list[Any] = []
    connect(event_processed, lambda **kwargs: calls.append(kwargs["event"].pk))
    for _ in range(3):
        post_kinde(
            "customer.agreement_created", SIGN_UP, event_id="event_1", occurred_at=at("10:00")
        )
    assert len(calls) == 1


def test_receiver__gets_the_customer_that_its_own_was_merged_into(
    connect: Connect, post_kinde: PostKinde
) -> None:
    told: dict[str, Any] = {}
    is_up = iter([False, False, False, True, True, True])

    def hear(signal: EventSignal, event: WebhookEvent, **arguments: Any) -> None:
        if event.external_id == "event_1":
            if not next(is_up):
                raise ConnectionError
            told[signal.name] = arguments["customer"], event.customer

    for signal in (kinde.customer_plan_assigned, signals.customer_created, event_processed):
        connect(signal, hear)
    organization = {"org_code": "org_1", "plan": {"code": "pro"}}
    post_kinde("customer.plan_assigned", organization, event_id="event_1")
    post_kinde("customer.plan_assigned", WHO)
    merging = post_kinde("customer.plan_assigned", {**WHO, "org_code": "org_1"})
    customer = Customer.objects.get()
    make_due()
    processing.work_due()

    assert merging.status_code == 200
    assert told.keys() == {"kinde.customer_plan_assigned", "customer_created", "event_processed"}
    assert {each for pair in told.values() for each in pair} <= {customer}


def test_receiver__gets_rows_as_they_are_after_the_one_before_it(
    connect: Connect, post_kinde: PostKinde
) -> None:
    told: list[Any] = []
    calls: list[str] = []

    def merge(event: WebhookEvent, **arguments: Any) -> None:
        if not calls:
            calls.append("merge")
            post_kinde("customer.plan_assigned", WHO)
            post_kinde("customer.plan_assigned", {**WHO, "org_code": "org_1"})

    def hear(event: WebhookEvent, customer: Customer, **arguments: Any) -> None:
        if event.external_id == "event_1":
            told.append((customer.external_id, event.customer))

    connect(signals.customer_created, merge, "merge")
    connect(signals.customer_created, hear, "hear")
    connect(event_processed, hear, "hear")
    post_kinde("customer.plan_assigned", {"org_code": "org_1"}, event_id="event_1")

    customer = Customer.objects.get()
    assert told == [("customer_1", customer)] * 2


def test_receiver__gets_none_for_a_plan_that_is_gone(
    connect: Connect, post_kinde: PostKinde
) -> None:
    calls: list[Any] = []

    def delete(plan: Plan, **arguments: Any) -> None:
        if plan is not None:
            plan.delete()

    connect(signals.catalogue_changed, delete, "delete")
    connect(signals.catalogue_changed, lambda **arguments: calls.append(arguments), "hear")
    connect(event_processed, lambda **arguments: calls.append(arguments), "hear")
    post_kinde("customer.agreement_created", SIGN_UP)

    assert [call["plan"] for call in calls] == [None, None]
    assert calls[1]["subscription"].plan is None


def test_receiver__does_not_see_what_a_failed_one_did_to_its_rows(
    connect: Connect, post_kinde: PostKinde
) -> None:
    emails: list[str] = []

    def change_and_fail(customer: Customer, **arguments: Any) -> None:
        customer.email = "wrong@example.org"
        raise ValueError

    connect(event_processed, change_and_fail, "bad")
    connect(event_processed, lambda customer, **_: emails.append(customer.email), "good")
    post_kinde("customer.plan_assigned", {**WHO, "email": "ada@example.org"})

    assert emails == ["ada@example.org"]


def test_connect__two_receivers_of_one_name_are_an_error() -> None:
    signal = EventSignal("test")
    first, second = (lambda **kwargs: None for _ in range(2))

    def other(**kwargs: Any) -> None: ...

    signal.connect(first, weak=False, dispatch_uid="same")
    with pytest.raises(DuplicateReceiver, match="same"):
        signal.connect(other, weak=False, dispatch_uid="same")
    signal.connect(second, weak=False, dispatch_uid="another")
    assert list(signal.connected()) == ["same", "another"]


def test_connect__the_same_receiver_twice_is_one() -> None:
    signal = EventSignal("test")

    def hear(**kwargs: Any) -> None: ...

    signal.connect(hear)
    signal.connect(hear)
    assert len(signal.connected()) == 1


def test_connect__a_receiver_without_a_name_needs_a_dispatch_uid() -> None:
    signal = EventSignal("test")
    nameless = functools.partial(print, "heard")
    with pytest.raises(DuplicateReceiver, match="dispatch_uid"):
        signal.connect(nameless)
    signal.connect(nameless, dispatch_uid="named")
    assert list(signal.connected()) == ["named"]


def test_connect__a_receiver_that_is_gone_is_forgotten() -> None:
    signal = EventSignal("test")

    def hear(**kwargs: Any) -> None: ...

    signal.connect(hear)
    del hear
    assert signal.connected() == {}


def test_disconnect__takes_a_receiver_out() -> None:
    signal = EventSignal("test")

    def hear(**kwargs: Any) -> None: ...

    signal.connect(hear)
    assert signal.disconnect(hear)
    assert signal.connected() == {}
    assert not signal.disconnect(hear)


# Which domain signals an event is worth.


def test_news__sign_up(heard: list[Any], post_kinde: PostKinde) -> None:
    post_kinde("customer.plan_assigned", SIGN_UP | {"agreement_id": None})
    post_kinde("customer.agreement_created", SIGN_UP)
    assert names(heard) == ["catalogue_changed", "customer_created", "subscription_started"]


def test_news__a_repeated_fact_is_no_news(heard: list[Any], post_kinde: PostKinde) -> None:
    post_kinde("customer.agreement_created", SIGN_UP)
    heard.clear()
    post_kinde("customer.agreement_created", SIGN_UP)
    assert names(heard) == []


@pytest.mark.parametrize("backwards", [False, True], ids=["in order", "backwards"])
def test_news__an_upgrade_is_one_change_of_plan(
    heard: list[Any], post_kinde: PostKinde, backwards: bool
) -> None:
    deliveries = [
        ("customer.agreement_created", SIGN_UP, at("10:00")),
        ("customer.plan_changed", {**SIGN_UP, "plan": {"code": "max"}}, at("11:00")),
    ]
    for event_type, data, moment in reversed(deliveries) if backwards else deliveries:
        post_kinde(event_type, data, occurred_at=moment)

    [(_, arguments)] = [each for each in heard if each[0] == "plan_changed"]
    assert arguments["subscription"].external_id == "agreement_1"
    assert arguments["customer"].external_id == "customer_1"
    assert arguments["plan"].code == "max"
    assert (arguments["old_plan"] is None) == backwards


def test_news__payment_fails_then_succeeds(heard: list[Any], post_kinde: PostKinde) -> None:
    post_kinde("customer.agreement_created", SIGN_UP)
    heard.clear()
    data = {**SIGN_UP, "payment_id": "payment_1", "amount": 12}
    post_kinde("customer.payment_failed", data, occurred_at=at("10:00"))
    post_kinde("customer.payment_succeeded", data, occurred_at=at("11:00"))

    told = [(name, arguments["payment"].status) for name, arguments in heard if "payment" in name]
    # What a receiver is given is the row as it is, not as it was.
    assert told == [("payment_failed", "failed"), ("payment_succeeded", "succeeded")]


def test_news__late_payment_of_a_cancelled_agreement(
    heard: list[Any], post_kinde: PostKinde
) -> None:
    post_kinde("customer.agreement_created", SIGN_UP, occurred_at=at("10:00"))
    post_kinde("customer.agreement_cancelled", SIGN_UP, occurred_at=at("11:00"))
    assert names(heard)[-1] == "subscription_ended"
    heard.clear()
    post_kinde("customer.payment_succeeded", SIGN_UP, occurred_at=at("12:00"))
    assert "subscription_changed" not in names(heard)


def test_news__usage_and_overdue(heard: list[Any], post_kinde: PostKinde) -> None:
    post_kinde("customer.meter_usage_updated", {**WHO, "meter_id": "calls", "quantity": 0})
    post_kinde("customer.invoice_overdue", {**WHO, "invoice_id": "invoice_1"})
    told = dict(heard)
    assert told["usage_recorded"]["usage"].quantity == 0
    assert told["usage_recorded"]["changes"]["quantity"] == (None, 0)
    assert told["invoice_overdue"]["invoice"].external_id == "invoice_1"


def test_news__trials_and_notices(heard: list[Any], post_billabear: PostBillaBear) -> None:
    customer = {"id": "0b1e5c1e-0000-4000-8000-000000000001", "email": None}
    trial = {"id": "0b1e5c1e-0000-4000-8000-000000000002", "plan_name": "Pro"}
    post_billabear(
        "trial_started", customer=customer, subscription={**trial, "status": "trial_active"}
    )
    post_billabear("trial_extended", customer=customer, subscription={**trial, "status": "active"})
    post_billabear("integration_crm_failure", exception={"message": "no", "code": 7})
    post_billabear(
        "tax_country_threshold_reached",
        country={"name": "Austria", "code": "AT", "threshold": "90000.00"},
    )
    told = dict(heard)
    assert {"trial_started", "trial_ended", "subscription_started"} <= told.keys()
    assert told["integration_failed"]["failure"].code == "7"
    assert told["tax_threshold_reached"]["threshold"].country_code == "AT"


EVERYTHING_OF_KINDE = {
    **SIGN_UP,
    "org_code": "org_1",
    "user_id": "kp_1",
    "email": "ada@example.org",
    "next_billing_date": "2026-04-01",
    "invoice_id": "invoice_1",
    "invoice_due_on": "2026-03-15",
    "payment_id": "payment_1",
    "amount": "12.50",
    "currency": "EUR",
    "meter_id": "calls",
    "quantity": 3,
}
FIRST_EVENTS = [("kinde", each) for each in kinde.SIGNALS] + [
    ("billabear", each) for each in billabear.SIGNALS
]


@pytest.mark.parametrize(("provider", "event_type"), FIRST_EVENTS)
def test_first_event_ever__of_each_type_is_told(
    connect: Connect,
    post_kinde: PostKinde,
    post_billabear: PostBillaBear,
    provider: str,
    event_type: str,
) -> None:
    calls: list[str] = []
    type_signal = {"kinde": kinde, "billabear": billabear}[provider].SIGNALS[event_type]
    for signal in (event_processed, type_signal):
        connect(signal, lambda signal, **arguments: calls.append(signal.name))

    if provider == "kinde":
        post_kinde(event_type, EVERYTHING_OF_KINDE)
    else:
        post_billabear(event_type, **CONTENT[event_type])

    event = WebhookEvent.objects.get()
    assert (event.state, event.last_error) == ("processed", "")
    assert calls == [type_signal.name, "event_processed"]


@pytest.mark.parametrize(
    ("module", "number"), [(kinde, 9), (billabear, 25)], ids=["kinde", "billabear"]
)
def test_signals__one_for_each_event_type(module: Any, number: int) -> None:
    declared = {value for value in vars(module).values() if isinstance(value, EventSignal)}
    assert len(module.SIGNALS) == len(declared) == number
    assert set(module.SIGNALS.values()) == declared
