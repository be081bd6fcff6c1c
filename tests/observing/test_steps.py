"""Which steps are told of an event, and what is said of each."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from django.test import Client

from billing_webhooks import processing, providers
from billing_webhooks.exceptions import GiveUp, RetryLater
from billing_webhooks.lifecycle import Name, Step, tell
from billing_webhooks.models import WebhookEvent
from billing_webhooks.signals import event_processed
from billing_webhooks.testing import KindeIssuer, kinde_event
from tests.conftest import Connect, PostBillaBear, PostKinde, make_due
from tests.endpoint.deliveries import CUSTOMER, send
from tests.observing.conftest import Listener

pytestmark = pytest.mark.django_db


def raising(error: Exception) -> Any:
    def receiver(**kwargs: Any) -> None:
        raise error

    return receiver


def create(post: PostBillaBear) -> None:
    assert post("customer_created", customer=CUSTOMER).status_code == 200


def test_event_without_receivers__accepted_and_processed(
    listener: Listener, post_billabear: PostBillaBear
) -> None:
    create(post_billabear)

    accepted, processed = listener.steps
    event = WebhookEvent.objects.get()
    assert (accepted.name, processed.name) == (Name.ACCEPTED, Name.PROCESSED)
    assert {step.event for step in listener.steps} == {event.pk}
    assert {step.event_type for step in listener.steps} == {"customer_created"}
    assert (processed.outcome, processed.attempts) == ("applied", 1)
    assert processed.since_received is not None
    assert processed.since_occurred is not None
    assert (accepted.seconds or 0) > 0
    assert (processed.seconds or 0) > 0


def test_event_with_receivers__each_is_told(
    listener: Listener, post_billabear: PostBillaBear, connect: Connect
) -> None:
    connect(event_processed, lambda **kwargs: None, "one")
    connect(event_processed, lambda **kwargs: None, "two")
    create(post_billabear)

    assert listener.names == [
        "accepted",
        "applied",
        "receiver_succeeded",
        "receiver_succeeded",
        "processed",
    ]
    assert [step.receiver for step in listener.steps] == ["", "", "one", "two", ""]
    assert listener.steps[-1].outcome == "applied"


FAILURES: dict[str, tuple[Exception, str, int, str, int]] = {
    "fault": (KeyError("x"), "KeyError", logging.ERROR, "postponed", logging.INFO),
    "later": (RetryLater("x"), "retry_later", logging.INFO, "postponed", logging.INFO),
    "never": (GiveUp("x"), "given_up", logging.WARNING, "died", logging.ERROR),
}


@pytest.mark.parametrize(
    ("error", "reason", "level", "end", "end_level"), FAILURES.values(), ids=FAILURES
)
def test_receiver_that_fails__told_with_the_kind_of_its_error(
    listener: Listener,
    post_billabear: PostBillaBear,
    connect: Connect,
    error: Exception,
    reason: str,
    level: int,
    end: str,
    end_level: int,
) -> None:
    connect(event_processed, raising(error))
    create(post_billabear)

    failed, ended = listener.steps[-2:]
    assert (failed.name, failed.receiver, failed.attempts) == (Name.RECEIVER_FAILED, "it", 1)
    assert (failed.reason, failed.level) == (reason, level)
    assert (failed.error is error) == (level == logging.ERROR)
    assert (ended.name.value, ended.level) == (end, end_level)


def test_attempts_used_up__died(
    listener: Listener, post_billabear: PostBillaBear, connect: Connect, settings: Any
) -> None:
    settings.BILLING_WEBHOOKS_MAX_ATTEMPTS = 2
    connect(event_processed, raising(KeyError("x")))
    create(post_billabear)
    make_due()
    processing.work(WebhookEvent.objects.get().mailbox)

    died = listener.steps[-1]
    assert (died.name, died.attempts, died.level) == (Name.DIED, 2, logging.ERROR)
    assert (died.reason, died.outcome) == ("receiver_failed", "applied")


def test_unreadable_event__died_without_another_try(
    listener: Listener, post_kinde: PostKinde
) -> None:
    post_kinde("customer.plan_changed", {"customer_id": "c" * 300})

    assert listener.names[-2:] == ["accepted", "died"]
    assert listener.steps[-1].reason == WebhookEvent.objects.get().last_error


def test_alias_that_is_gone__postponed(
    listener: Listener, post_billabear: PostBillaBear, settings: Any
) -> None:
    settings.BILLING_WEBHOOKS_DISPATCH = "deferred"
    create(post_billabear)
    settings.BILLING_WEBHOOKS_PROVIDERS = {}
    processing.work(WebhookEvent.objects.get().mailbox)

    assert listener.names == ["accepted", "postponed"]
    assert listener.steps[-1].reason == "not_configured"


def test_same_event_again__repeated_or_contradicted(
    listener: Listener, client: Client, issuer: KindeIssuer
) -> None:
    event = kinde_event("customer.created", {"id": "customer_1"})
    for claims in (event, event, event | {"data": {"id": "customer_2"}}):
        client.post("/webhooks/kinde", issuer.sign(claims), content_type="application/jwt")

    names = [name for name in listener.names if name != "keys_fetched"]
    assert [names[0], *names[-2:]] == ["accepted", "repeated", "contradicted"]
    assert listener.steps[-2].event is None
    assert listener.steps[-1].event == WebhookEvent.objects.get().pk


def test_no_event__quarantined(listener: Listener, client: Client) -> None:
    assert send(client, b"[]").status_code == 400

    (step,) = listener.steps
    assert (step.name, step.level) == (Name.QUARANTINED, logging.WARNING)
    assert step.event == WebhookEvent.objects.get().pk
    assert step.reason == WebhookEvent.objects.get().last_error


def test_refused__every_one_is_told_though_few_are_logged(
    listener: Listener, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(20):
        client.post("/webhooks/billabear", b"{}", content_type="application/json")

    assert listener.names == ["rejected"] * 20
    assert {(step.provider, step.reason) for step in listener.steps} == {("billabear", "secret")}
    assert len(caplog.records) == 5


def test_key_set__fetches_are_told_with_the_alias(
    listener: Listener, post_kinde: PostKinde, issuer: KindeIssuer
) -> None:
    post_kinde("customer.created", {"id": "customer_1"})

    (fetched,) = (step for step in listener.steps if step.name is Name.KEYS_FETCHED)
    assert (fetched.provider, issuer.requests) == ("kinde", 1)


def test_key_set_that_cannot_be_had__told(
    listener: Listener, client: Client, issuer: KindeIssuer, settings: Any
) -> None:
    options = {"ISSUER": "https://acme.kinde.com", "JWKS_URL": "http://127.0.0.1:1/jwks"}
    kinde = settings.BILLING_WEBHOOKS_PROVIDERS["kinde"]
    settings.BILLING_WEBHOOKS_PROVIDERS = {"acme": {**kinde, "OPTIONS": options}}
    providers._instances.clear()
    client.post("/webhooks/acme", issuer.sign({}), content_type="application/jwt")

    assert listener.names == ["keys_not_fetched", "rejected"]
    assert listener.steps[0].provider == "acme"


def test_replayed_event__its_age_says_nothing(
    listener: Listener, post_billabear: PostBillaBear
) -> None:
    create(post_billabear)
    WebhookEvent.objects.update(state="pending", replays=1, next_attempt_at="2026-01-01T00:00Z")
    processing.work(WebhookEvent.objects.get().mailbox)

    assert listener.steps[-1].name is Name.PROCESSED
    assert listener.steps[-1].since_received is None


def test_tell__nobody_is_told_what_he_does_not_hear(listener: Listener) -> None:
    listener.hears = lambda name, level: level > logging.INFO  # type: ignore[method-assign]
    tell(Step(Name.PROCESSED))
    tell(Step(Name.DIED, level=logging.ERROR))

    assert listener.names == ["died"]
