"""One customer is forgotten, everything of it, and nothing of anybody else."""

from __future__ import annotations

import builtins
from io import StringIO
from typing import Any
from uuid import uuid4

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import models

from billing_webhooks import jobs
from billing_webhooks.erasing import AlreadyErased, Erased, erase
from billing_webhooks.exceptions import GiveUp
from billing_webhooks.models import (
    ConflictingDelivery,
    Customer,
    Mailbox,
    Payment,
    ReceiverRun,
    Subscription,
    WebhookEvent,
)
from billing_webhooks.rebuilding import rebuild
from billing_webhooks.signals import payment_succeeded
from billing_webhooks.sweeping import sweep
from tests.conftest import Connect, PostBillaBear, PostKinde, at
from tests.outcomes import ALL_MODELS
from tests.test_concurrency import at_once

pytestmark = pytest.mark.django_db

ADA = {"id": "8d1c7f2e-1111-4222-8333-0123456789ab", "email": "ada@example.org"}
BOB = {"id": "9e1c7f2e-2222-4222-8333-0123456789ab", "email": "bob@example.org"}
PAYMENT = "c0ffee00-1234-4abc-9def-0123456789ab"
AGREEMENT = "agreement_of_grace"


@pytest.fixture
def ada(post_billabear: PostBillaBear) -> Customer:
    """Ada with a payment that was contradicted, beside Bob and what is nobody's."""
    for customer in (ADA, BOB):
        post_billabear("customer_created", customer=customer)
    for amount in (3000, 98765432):
        post_billabear("payment_received", id=PAYMENT, customer=ADA, amount=amount)
    post_billabear(
        "integration_crm_failure", exception={"message": f"no {ADA['email']}", "code": 1}
    )
    post_billabear("integration_crm_failure", exception={"message": "no contact", "code": 1})
    return Customer.objects.get(email=ADA["email"])


def everything() -> str:
    """Return what the database says anywhere."""
    rows: list[Any] = []
    for model in ALL_MODELS:
        rows += [
            [bytes(value) if isinstance(value, memoryview) else value for value in row]
            for row in model._base_manager.values_list()
        ]
    return repr(rows)


def test_erased__nothing_is_left_of_the_customer(ada: Customer) -> None:
    said = everything()
    assert all(name in said for name in (ADA["id"], ADA["email"], "98765432"))

    erased = erase(ada)

    assert erased.events == 3
    assert erased.rows["Customer"] == erased.rows["Payment"] == 1
    said = everything()
    assert not [name for name in (ADA["id"], ADA["email"], "98765432") if name in said]
    assert not ConflictingDelivery.objects.exists()


def test_erased__nothing_is_left_in_previews(ada: Customer) -> None:
    events = WebhookEvent.objects.values_list("pk", flat=True)
    # Made by hand in another way, so that a preview has something to tell.
    Customer.objects.filter(pk=ada.pk).update(email="", external_id="")
    job = jobs.work(jobs.ask(uuid4(), "preview", events)[0].pk)
    assert ADA["email"] in str(job.result)
    erase(ada)

    assert ADA["email"] not in everything()


def test_erased__others_keep_everything(ada: Customer) -> None:
    erase(ada)

    assert Customer.objects.get().email == BOB["email"]
    kept = WebhookEvent.objects.filter(pruned_at=None)
    assert {event.event_type for event in kept} == {"customer_created", "integration_crm_failure"}
    assert all(event.payload for event in kept)
    assert Mailbox.objects.filter(pk__contains=BOB["id"]).exists()


def test_erased__what_is_sent_again_is_a_repeat_and_brings_nobody_back(
    ada: Customer, post_billabear: PostBillaBear
) -> None:
    erase(ada)
    for amount in (3000, 98765432):
        post_billabear("payment_received", id=PAYMENT, customer=ADA, amount=amount)

    assert WebhookEvent.objects.get(event_type="payment_received").deliveries == 4
    assert not Payment.objects.exists()
    assert ADA["id"] not in everything()


def test_erased__rebuilt_rows_are_the_live_ones(ada: Customer) -> None:
    erase(ada)

    assert not rebuild("billabear").differences


def test_erased_kinde__tokens_too(post_kinde: PostKinde) -> None:
    data = {
        "customer_id": "customer_grace",
        "agreement_id": AGREEMENT,
        "user": {"id": "kp_grace", "email": "grace@example.org"},
        "org_code": "org_hopper",
    }
    for event_type in ("agreement_created", "payment_succeeded", "invoice_overdue"):
        post_kinde(f"customer.{event_type}", data)
    post_kinde("customer.payment_failed", {"org_code": "org_hopper"}, occurred_at=at("10:30"))
    post_kinde("customer.plan_changed", {"customer_id": "customer_alan"})
    grace = Customer.objects.get(external_id="customer_grace")

    assert erase(grace).events == 4
    assert not Subscription.objects.exists()
    said = everything()
    assert not [
        word for word in ("grace", "hopper", "eyJ") if word in said.split("customer_alan")[0]
    ]
    assert Customer.objects.get().external_id == "customer_alan"


def test_pending_and_dead_ones__are_emptied_and_never_worked(
    ada: Customer, post_billabear: PostBillaBear, connect: Connect, settings: Any
) -> None:
    def give_up(**arguments: Any) -> None:
        raise GiveUp(ADA["email"])

    connect(payment_succeeded, give_up)
    post_billabear("payment_received", id=ADA["id"], customer=ADA, amount=1)
    settings.BILLING_WEBHOOKS_DISPATCH = "deferred"
    post_billabear("customer_updated", customer=ADA)
    erase(ada)
    sweep()

    assert not WebhookEvent.objects.filter(state="pending").exists()
    assert not Customer.objects.filter(email=ADA["email"]).exists()
    assert not ReceiverRun.objects.filter(last_error__contains="ada").exists()
    assert ADA["email"] not in everything()


def test_erased_already__told(ada: Customer) -> None:
    gone = Customer.objects.get(pk=ada.pk)
    erase(ada)

    with pytest.raises(AlreadyErased):
        erase(gone)


@pytest.mark.django_db(transaction=True)
def test_erased_at_once__by_one(ada: Customer) -> None:
    def try_to() -> Erased | None:
        try:
            return erase(Customer(pk=ada.pk, provider=ada.provider))
        except AlreadyErased:
            return None

    done = [erased for erased in at_once([try_to] * 6) if erased is not None]

    assert [erased.rows["Customer"] for erased in done] == [1]
    assert not Customer.objects.filter(pk=ada.pk).exists()


def command(*arguments: str) -> str:
    output = StringIO()
    call_command("billing_webhooks", "erase", *arguments, stdout=output)
    return output.getvalue()


@pytest.mark.parametrize("term", [ADA["id"], "ADA@example.org", "#"])
def test_command__by_any_name(ada: Customer, term: str) -> None:
    said = command(term if term != "#" else f"#{ada.pk}", "--no-input")

    assert "1 Customer" in said
    assert "emptied events: 3" in said


@pytest.mark.parametrize("term", ["nobody", "#0", "#x", ""])
def test_command__nobody(ada: Customer, term: str) -> None:
    with pytest.raises(CommandError, match="no such customer"):
        command(term, "--no-input")


def test_command__several(ada: Customer, post_kinde: PostKinde) -> None:
    post_kinde(
        "customer.plan_changed", {"customer_id": "customer_ada", "user": {"email": ADA["email"]}}
    )
    with pytest.raises(CommandError, match="Which one"):
        command(ADA["email"], "--no-input")
    command(ADA["email"], "--no-input", "--provider", "kinde")
    assert Customer.objects.filter(email=ADA["email"]).get().provider == "billabear"


@pytest.mark.parametrize(("answer", "left"), [("yes", 1), ("y", 2), ("", 2)])
def test_command__asks(
    ada: Customer, monkeypatch: pytest.MonkeyPatch, answer: str, left: int
) -> None:
    monkeypatch.setattr(builtins, "input", lambda question: answer)
    if left == 1:
        command(ADA["id"])
    else:
        with pytest.raises(CommandError, match="Nothing was erased"):
            command(ADA["id"])
    assert Customer.objects.count() == left


def test_models__none_is_forgotten_by_these_tests() -> None:
    ours: set[type[models.Model]] = set(apps.get_app_config("billing_webhooks").get_models())
    assert ours <= set(ALL_MODELS)
