"""Whatever fails of what the project has put behind the API, no event is the worse for it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import Client
from opentelemetry import propagate
from opentelemetry.sdk.trace import SpanProcessor
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, Sampler
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from billing_webhooks import harmless
from billing_webhooks.models import WebhookEvent
from billing_webhooks.replaying import replay
from billing_webhooks.signals import event_processed
from tests.conftest import Connect, PostBillaBear, PostKinde
from tests.once import on_one_database
from tests.tracing.spans import Spans

on_one_database()

pytestmark = pytest.mark.django_db(transaction=True)

TYPE = "customer.payment_succeeded"
WHO = {"customer_id": "customer_1"}


class Broken(Exception):
    """What is wrong with it."""


def broken(*args: Any, **kwargs: Any) -> Any:
    raise Broken


class BrokenSampler(Sampler):
    should_sample = broken

    def get_description(self) -> str:
        return "broken"


class BrokenAtStart(SpanProcessor):
    on_start = broken


class BrokenAtEnd(SpanProcessor):
    on_end = broken


class BrokenIds(RandomIdGenerator):
    generate_span_id = broken


class BrokenExporter(SpanExporter):
    export = broken


class BrokenPropagator(TraceContextTextMapPropagator):
    inject = extract = broken


WAYS: dict[str, Callable[[], Spans]] = {
    "sampler": lambda: Spans(sampler=BrokenSampler()),
    "processor at start": lambda: Spans(BrokenAtStart()),
    "processor at end": lambda: Spans(BrokenAtEnd()),
    "ids": lambda: Spans(id_generator=BrokenIds()),
    "exporter": lambda: Spans(SimpleSpanProcessor(BrokenExporter())),
}


@pytest.fixture(params=list(WAYS.values()), ids=list(WAYS))
def broken_spans(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Spans]:
    monkeypatch.setattr(harmless, "_complained_at", {})
    spans: Spans = request.param()
    yield spans
    spans.end()


@pytest.fixture
def broken_propagator() -> Iterator[None]:
    usual = propagate.get_global_textmap()
    propagate.set_global_textmap(BrokenPropagator())
    yield
    propagate.set_global_textmap(usual)


@pytest.mark.usefixtures("broken_spans", "no_waiting")
def test_event__is_accepted_applied_and_told_of(connect: Connect, post_kinde: PostKinde) -> None:
    told: list[str] = []
    connect(event_processed, lambda event, **kwargs: told.append(event.event_type))
    assert post_kinde(TYPE, WHO).status_code == 200

    event = WebhookEvent.objects.get()
    assert (event.state, event.outcome, event.attempts) == ("processed", "applied", 1)
    assert told == [TYPE]
    assert replay([event]).keys == [event.pk]


@pytest.mark.usefixtures("broken_spans")
def test_refusal__is_what_it_was(client: Client) -> None:
    assert client.post("/webhooks/billabear", b"{}", "text/plain").status_code == 401


@pytest.mark.usefixtures("broken_spans")
def test_failure_of_a_receiver__is_what_it_was(connect: Connect, post_kinde: PostKinde) -> None:
    connect(event_processed, broken)
    post_kinde(TYPE, WHO)

    assert "Broken" in WebhookEvent.objects.get().runs.get().last_error
    assert WebhookEvent.objects.get().state == "pending"


@pytest.mark.usefixtures("broken_propagator")
def test_propagator__of_the_project_is_not_asked(spans: Spans, post_kinde: PostKinde) -> None:
    assert post_kinde(TYPE, WHO).status_code == 200
    assert WebhookEvent.objects.get().state == "processed"
    assert WebhookEvent.objects.get().traceparent


def test_complaint__once_with_its_traceback(
    caplog: pytest.LogCaptureFixture, post_billabear: PostBillaBear, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(harmless, "_complained_at", {})
    spans = Spans(sampler=BrokenSampler())
    for _ in range(3):
        post_billabear("customer_created")
    spans.end()

    [complaint] = [each for each in caplog.records if each.name == "billing_webhooks.harmless"]
    assert complaint.levelno == logging.ERROR
    assert complaint.exc_info is not None
    assert complaint.exc_info[0] is Broken


class BrokenForOurs(BrokenSampler):
    """Fails for all spans but the project's own."""

    def should_sample(
        self, parent_context: Any, trace_id: int, name: str, *more: Any, **others: Any
    ) -> Any:
        if name.startswith("webhook."):
            raise Broken
        return ALWAYS_ON.should_sample(parent_context, trace_id, name, *more, **others)


def test_what_is_lost__is_not_told_of_the_span_around_it(client: Client) -> None:
    spans = Spans(sampler=BrokenForOurs())
    with spans.project.start_as_current_span("POST"):
        client.post("/webhooks/billabear", b"{}", "text/plain")
    spans.end()

    [post] = spans.all
    assert (post.name, dict(post.attributes or {})) == ("POST", {})
