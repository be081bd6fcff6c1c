"""What is told when somebody, or the schedule, does something with events."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.db import transaction
from django.test import Client

from billing_webhooks.erasing import erase
from billing_webhooks.lifecycle import Name
from billing_webhooks.models import Customer, WebhookEvent
from billing_webhooks.pruning import prune
from billing_webhooks.replaying import Scope, release, replay
from billing_webhooks.rescheduling import give_up, retry_now
from billing_webhooks.signals import event_processed
from billing_webhooks.testing import billabear_body
from tests.conftest import Connect, PostBillaBear
from tests.endpoint.deliveries import CUSTOMER, send
from tests.observing.conftest import Listener

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def event(settings: Any, listener: Listener, post_billabear: PostBillaBear) -> WebhookEvent:
    """One that waits for its first attempt."""
    settings.BILLING_WEBHOOKS_DISPATCH = "deferred"
    post_billabear("customer_created", customer=CUSTOMER)
    listener.steps.clear()
    return WebhookEvent.objects.get()


def done(post_billabear: PostBillaBear, listener: Listener) -> WebhookEvent:
    post_billabear("customer_created", customer=CUSTOMER)
    listener.steps.clear()
    return WebhookEvent.objects.get()


def test_replay__is_told_before_what_comes_of_it(
    listener: Listener, post_billabear: PostBillaBear
) -> None:
    event = done(post_billabear, listener)
    replay([event])

    assert listener.names == ["replayed", "processed"]
    step = listener.steps[0]
    assert (step.event, step.provider, step.event_type, step.outcome, step.receiver) == (
        event.pk,
        "billabear",
        "customer_created",
        "applied",
        "",
    )


def test_replay__for_one_receiver_names_it(
    listener: Listener, post_billabear: PostBillaBear, connect: Connect
) -> None:
    event = done(post_billabear, listener)
    connect(event_processed, lambda **kwargs: None, "books")
    replay([event], Scope("books"))

    assert (listener.names[0], listener.steps[0].receiver) == ("replayed", "books")


def test_replay__that_is_refused_or_taken_back_is_not_told(
    listener: Listener, post_billabear: PostBillaBear
) -> None:
    event = done(post_billabear, listener)
    assert replay([event], Scope("nobody")).refused
    with transaction.atomic():
        replay([event])
        transaction.set_rollback(True)

    assert listener.names == []


def test_release__is_told(listener: Listener, client: Client) -> None:
    send(client, b"[]")
    # As if this version could read what that one could not.
    WebhookEvent.objects.update(body=billabear_body("customer_created", customer=CUSTOMER))
    listener.steps.clear()
    release(WebhookEvent.objects.all())

    assert listener.names == ["released", "processed"]
    assert listener.steps[0].event == WebhookEvent.objects.get().pk


@pytest.mark.parametrize(("act", "name"), [(retry_now, Name.RETRIED), (give_up, Name.GIVEN_UP)])
def test_pending_event__what_is_done_with_it_is_told(
    act: Any, name: Name, event: WebhookEvent, listener: Listener
) -> None:
    act([event])
    [step] = listener.steps
    assert (step.name, step.event, step.event_type) == (name, event.pk, "customer_created")


def test_prune__is_one_step(listener: Listener, post_billabear: PostBillaBear) -> None:
    for _ in range(3):
        post_billabear("customer_created", customer=CUSTOMER)
    listener.steps.clear()
    assert prune(older_than=timedelta()) == 3
    assert prune(older_than=timedelta()) == 0

    [step] = listener.steps
    assert (step.name, step.count, step.event) == (Name.PRUNED, 3, None)


def test_erase__is_told_with_what_was_given_up(
    event: WebhookEvent, listener: Listener, settings: Any, post_billabear: PostBillaBear
) -> None:
    settings.BILLING_WEBHOOKS_DISPATCH = "inline"
    post_billabear("customer_updated", customer=CUSTOMER)
    WebhookEvent.objects.filter(pk=event.pk).update(state="pending")
    listener.steps.clear()
    erase(Customer.objects.get())

    assert listener.names == ["given_up", "erased"]
    given_up, erased = listener.steps
    assert (given_up.event, given_up.reason) == (event.pk, "erased")
    assert (erased.provider, erased.count) == ("billabear", 2)


def test_lines__name_nobody(event: WebhookEvent, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    call_command("billing_webhooks", "give_up", str(event.pk))

    [record] = [each for each in caplog.records if each.name.endswith(".given_up")]
    assert record.getMessage() == (
        f"webhook.given_up provider=billabear event={event.pk} type=customer_created"
    )
