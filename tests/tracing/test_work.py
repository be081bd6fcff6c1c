"""The spans of an event's work, wherever and however often it is done."""

from __future__ import annotations

from typing import Any

import pytest
from opentelemetry.sdk.trace.sampling import DEFAULT_OFF
from opentelemetry.trace import SpanKind, StatusCode

from billing_webhooks import spans as spanning
from billing_webhooks.exceptions import GiveUp
from billing_webhooks.models import WebhookEvent
from billing_webhooks.replaying import replay
from billing_webhooks.signals import event_processed
from billing_webhooks.sweeping import sweep
from tests.conftest import Connect, PostBillaBear, PostKinde
from tests.tracing.spans import Spans, key_of, links_of, told, trace_of

pytestmark = pytest.mark.django_db(transaction=True)

TYPE = "customer.payment_succeeded"
PAYMENT = "0b1e5c1e-0000-4000-8000-000000000001"
CUSTOMER = "0b1e5c1e-0000-4000-8000-000000000002"
ALONE = [
    ("", "webhook.receive"),
    ("webhook.receive", "webhook.store"),
    ("webhook.receive", "webhook.apply"),
]
HEARD = [
    *ALONE,
    ("webhook.receive", "webhook.process"),
    ("webhook.process", "webhook.receiver"),
]


def payment_of(customer: str) -> dict[str, Any]:
    return {"customer_id": customer, "user": {"email": "ada@example.org"}}


@pytest.fixture
def deferred(settings: Any) -> None:
    settings.BILLING_WEBHOOKS_DISPATCH = "deferred"


def hear(**kwargs: Any) -> None:
    """Do nothing."""


def test_inline__is_one_trace(spans: Spans, connect: Connect, post_kinde: PostKinde) -> None:
    connect(event_processed, hear)
    post_kinde(TYPE, payment_of("customer_1"))
    assert spans.edges() == HEARD
    assert [links_of(span) for span in spans.all] == [[]] * 5


@pytest.mark.usefixtures("deferred")
def test_sweep__goes_on_with_the_trace_of_the_receipt(
    spans: Spans, connect: Connect, post_kinde: PostKinde
) -> None:
    connect(event_processed, hear)
    post_kinde(TYPE, payment_of("customer_1"))
    with spans.project.start_as_current_span("task") as task:
        sweep()
    assert [edge for edge in spans.edges() if edge != ("", "task")] == HEARD
    here = [key_of(task.get_span_context())]
    assert [links_of(spans.one(name)) for name in ("apply", "process", "receiver")] == [
        here,
        here,
        [],
    ]


def test_attempt__tells_what_it_came_to(
    spans: Spans, connect: Connect, post_kinde: PostKinde
) -> None:
    connect(event_processed, hear)
    post_kinde(TYPE, payment_of("customer_1"))
    span = spans.one("process")
    assert span.kind is SpanKind.CONSUMER
    assert span.attributes == {
        "messaging.system": "billing_webhooks",
        "messaging.operation.type": "process",
        "messaging.destination.name": "kinde",
        "messaging.message.id": str(WebhookEvent.objects.get().pk),
        "billing_webhooks.event.type": TYPE,
        "billing_webhooks.attempt": 1,
        "billing_webhooks.replays": 0,
        "billing_webhooks.outcome": "applied",
        "billing_webhooks.state": "processed",
    }
    assert span.status.status_code is StatusCode.UNSET


def test_batch_of_one__tells_what_it_came_to(spans: Spans, post_kinde: PostKinde) -> None:
    post_kinde(TYPE, payment_of("customer_1"))
    names = ("billing_webhooks.event.type", "billing_webhooks.outcome", "messaging.message.id")
    key = str(WebhookEvent.objects.get().pk)
    assert told(spans.one("apply"), *names) == [TYPE, "applied", key]


@pytest.mark.usefixtures("deferred")
@pytest.mark.parametrize(("most", "kept"), [(128, 3), (2, 2)])
def test_batch_of_many__is_linked_to_its_events(
    most: int, kept: int, spans: Spans, post_kinde: PostKinde, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spanning, "MAX_LINKS", most)
    for number in range(3):
        post_kinde(TYPE, payment_of(f"customer_{number}"))
    sweep()
    batch = spans.one("apply_batch")
    receipts = {key_of(span.context) for span in spans.named("receive")}
    assert len(links_of(batch)) == len(set(links_of(batch)) & receipts) == kept
    assert told(batch, "messaging.batch.message_count") == [3]
    assert batch.parent is None


@pytest.mark.usefixtures("deferred")
def test_batch_of_many__leaves_each_event_with_receivers_to_its_trace(
    spans: Spans, connect: Connect, post_kinde: PostKinde
) -> None:
    connect(event_processed, hear)
    for number in range(3):
        post_kinde(TYPE, payment_of(f"customer_{number}"))
    sweep()
    receipts = {key_of(span.context) for span in spans.named("receive")}
    assert {key_of(span.parent) for span in spans.named("process")} == receipts
    attempts = {key_of(span.context) for span in spans.named("process")}
    assert {key_of(span.parent) for span in spans.named("receiver")} == attempts


@pytest.mark.usefixtures("deferred")
def test_batch_of_many__says_nothing_of_the_one_that_is_left(
    spans: Spans, post_billabear: PostBillaBear
) -> None:
    post_billabear("customer_created", customer={"id": CUSTOMER})
    post_billabear("payment_received", id=PAYMENT, customer=None, amount=19.99)
    sweep()
    names = ("billing_webhooks.event.type", "billing_webhooks.outcome", "messaging.message.id")
    assert told(spans.one("apply_batch"), *names) == [None] * 3


@pytest.mark.usefixtures("no_waiting")
def test_retry__is_in_the_same_trace(spans: Spans, connect: Connect, post_kinde: PostKinde) -> None:
    failures = [OSError("ada@example.org")]

    def fail_once(**kwargs: Any) -> None:
        if failures:
            raise failures.pop()

    connect(event_processed, fail_once)
    post_kinde(TYPE, payment_of("customer_1"))
    sweep()
    names = ("billing_webhooks.attempt", "billing_webhooks.state")
    assert [told(span, *names) for span in spans.named("process")] == [
        [1, "pending"],
        [2, "processed"],
    ]
    states = [span.status.status_code for span in spans.named("process")]
    assert states == [StatusCode.ERROR, StatusCode.UNSET]
    assert len({trace_of(span) for span in spans.all}) == 1


@pytest.mark.parametrize(
    ("error", "kind", "state"),
    [
        (OSError("ada@example.org"), "builtins.OSError", "failed"),
        (GiveUp("ada@example.org"), "billing_webhooks.exceptions.GiveUp", "given_up"),
    ],
    ids=["fails", "gives up"],
)
def test_receiver__that_fails_is_told_of_by_the_class_of_its_error(
    error: Exception,
    kind: str,
    state: str,
    spans: Spans,
    connect: Connect,
    post_kinde: PostKinde,
) -> None:
    def fail(**kwargs: Any) -> None:
        raise error

    connect(event_processed, fail, "the one")
    post_kinde(TYPE, payment_of("customer_1"))
    span = spans.one("receiver")
    assert span.attributes == {
        "billing_webhooks.receiver": "the one",
        "billing_webhooks.signal": "event_processed",
        "billing_webhooks.attempt": 1,
        "billing_webhooks.state": state,
        "error.type": kind.rpartition(".")[2],
    }
    assert [dict(event.attributes or {}) for event in span.events] == [{"exception.type": kind}]
    assert span.status.status_code is StatusCode.ERROR


def test_event__that_is_not_understood_is_told_of_where_it_fails(
    spans: Spans, post_billabear: PostBillaBear
) -> None:
    post_billabear("payment_received", id=PAYMENT, customer=None, amount=19.99)
    assert WebhookEvent.objects.get().state == "dead"
    process = spans.one("process")
    assert told(process, "billing_webhooks.state") == ["dead"]
    assert process.status.status_code is StatusCode.ERROR
    apply = spans.named("apply")[-1]
    assert told(apply, "error.type") == [apply.status.description] == ["NotUnderstood"]
    assert [dict(event.attributes or {}) for event in apply.events] == [
        {"exception.type": "billing_webhooks.exceptions.NotUnderstood"}
    ]


@pytest.mark.usefixtures("no_waiting")
def test_spans__say_nothing_that_the_sender_has_said(
    spans: Spans, connect: Connect, post_kinde: PostKinde
) -> None:
    def fail(event: WebhookEvent, **kwargs: Any) -> None:
        raise LookupError(event.payload)

    connect(event_processed, fail)
    post_kinde(TYPE, payment_of("customer_1"))
    sweep()
    assert "LookupError" in spans.text()
    assert "ada@example.org" not in spans.text()


@pytest.mark.usefixtures("deferred")
def test_replay__is_the_origin_of_what_follows(
    spans: Spans, connect: Connect, post_kinde: PostKinde
) -> None:
    post_kinde(TYPE, payment_of("customer_1"))
    sweep()
    connect(event_processed, hear)
    with spans.project.start_as_current_span("click"):
        replay(WebhookEvent.objects.all())
    sweep()
    replayed = spans.one("replay")
    assert links_of(replayed) == [key_of(spans.one("receive").context)]
    assert spans.edges()[3:] == [
        ("", "click"),
        ("click", "webhook.replay"),
        ("webhook.replay", "webhook.apply"),
        ("webhook.replay", "webhook.process"),
        ("webhook.process", "webhook.receiver"),
    ]
    assert trace_of(replayed) != trace_of(spans.one("receive"))


@pytest.mark.usefixtures("deferred")
@pytest.mark.parametrize("stored", ["", "no context at all", "00-" + "0" * 32 + "-0-01"])
def test_event__without_a_context_is_worked_where_it_is(
    stored: str, spans: Spans, connect: Connect, post_kinde: PostKinde
) -> None:
    connect(event_processed, hear)
    post_kinde(TYPE, payment_of("customer_1"))
    WebhookEvent.objects.update(traceparent=stored)
    with spans.project.start_as_current_span("task"):
        sweep()
    assert ("task", "webhook.apply") in spans.edges()
    assert ("task", "webhook.process") in spans.edges()
    assert links_of(spans.one("process")) == []


def test_trace__that_is_not_sampled_is_so_as_a_whole(
    connect: Connect, post_kinde: PostKinde
) -> None:
    connect(event_processed, hear)
    unsampled = Spans(sampler=DEFAULT_OFF)
    post_kinde(TYPE, payment_of("customer_1"))
    unsampled.end()
    event = WebhookEvent.objects.get()
    assert event.state == "processed"
    is_sampled = int(event.traceparent[-2:], 16) & 1
    assert not is_sampled
    assert unsampled.all == ()
