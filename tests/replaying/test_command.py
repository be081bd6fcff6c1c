"""`manage.py billing_webhooks replay`: which events, what is said of them, what is refused."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError
from django.utils import timezone

from billing_webhooks import signals
from billing_webhooks.models import Payment, WebhookEvent
from billing_webhooks.pruning import prune
from billing_webhooks.signals import event_processed
from tests.conftest import Connect, PostBillaBear, PostKinde, at
from tests.once import on_one_database
from tests.replaying.conftest import SIGN_UP, Run, states
from tests.replaying.dumps import dump
from tests.replaying.test_refused import PAYMENT

on_one_database()

pytestmark = pytest.mark.django_db(transaction=True)

events = WebhookEvent.objects.order_by("received_at")


@pytest.fixture
def history(
    post_kinde: PostKinde, post_billabear: PostBillaBear, settings: Any
) -> list[WebhookEvent]:
    """Three events of different types, of which the second one is dead."""
    post_kinde("customer.agreement_created", SIGN_UP, occurred_at=at("10:00"))
    post_billabear("payment_received", **{**PAYMENT, "amount": 19.99})
    post_kinde("customer.payment_failed", SIGN_UP, occurred_at=at("12:00"))
    found = list(events.all())
    for hour, event in enumerate(found, start=10):
        events.filter(pk=event.pk).update(received_at=at(f"{hour}:00"))
    return found


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--provider", "kinde"], {0, 2}),
        (["--type", "customer.payment_failed"], {2}),
        (["--state", "processed"], {0, 2}),
        (["--since", "2026-03-02T11:00+00:00"], {1, 2}),
        (["--since", "2026-03-02T11:00Z"], {1, 2}),
        # In the project's time zone, which is Vienna's.
        (["--since", "2026-03-02T12:00"], {1, 2}),
        (["--since", "2026-03-02 12:00:01"], {2}),
        (["--until", "2026-03-02T12:00"], {0}),
        (["--since", "2026-03-02", "--until", "2026-03-03"], {0, 1, 2}),
        (["--since", "2026-03-03"], set()),
        (["--since", "2026-03-02", "--state", "processed", "--type", "x"], set()),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_filters(
    history: list[WebhookEvent], run: Run, options: list[str], expected: set[int]
) -> None:
    said = run("replay", "--dry-run", *options)
    assert {number for number, event in enumerate(history) if str(event.pk) in said} == expected


def test_ids(history: list[WebhookEvent], run: Run) -> None:
    ids = [str(history[number].pk) for number in (2, 0)]
    assert run("replay", *ids) == "Replayed 2 events: 2 processed.\n"
    # By filters beside them they become fewer.
    assert run("replay", *ids, "--type", "customer.payment_failed").startswith("Replayed 1 ")


UNKNOWN = "01a20066-8db8-7e02-b869-63c4a9a3f3b8"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "Say which events"),
        (["--dry-run"], "Say which events"),
        ([UNKNOWN], f"There is no event {UNKNOWN}"),
        (["17"], "invalid UUID value: '17'"),
        (["--since", "yesterday"], "must be a time such as 2026-03-02"),
        (["--since", "2026-02-30"], "must be a time such as"),
        (["--until", "0001-01-01T00:00+14:00"], "must be a time such as"),
        (["--state", "lost"], "invalid choice: 'lost'"),
        (["--provider", "stripe"], "under 'stripe'. Configured are: billabear, kinde."),
        (["--rebuild", "--provider", "stripe"], "Configured are: billabear, kinde."),
        (["--state", "dead", "--receiver", "nobody"], "Connected are:\n  audit"),
        (["--state", "dead", "--again"], "--again needs --receiver"),
        (["--rebuild", "--state", "dead"], "only --provider goes with it"),
        (["--rebuild", "--receiver", "audit"], "only --provider goes with it"),
        (["--rebuild", "--dry-run"], "not allowed with argument"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_input__is_told(run: Run, connect: Connect, options: list[str], message: str) -> None:
    connect(event_processed, lambda **_: None, "audit")
    with pytest.raises(CommandError) as caught:
        run("replay", *options)
    assert message in str(caught.value)


@pytest.mark.parametrize("operation", [["replay", "--receiver", "x", "--state", "dead"]])
def test_misconfigured_provider__is_told(run: Run, settings: Any, operation: list[str]) -> None:
    settings.BILLING_WEBHOOKS_PROVIDERS = {"kinde": {"BACKEND": "no.such.Provider"}}
    with pytest.raises(CommandError, match=r"no\.such\.Provider"):
        run(*operation)


def test_nothing_found__is_no_error(run: Run) -> None:
    assert run("replay", "--state", "dead") == "Replayed 0 events.\n"
    assert run("replay", "--state", "dead", "--dry-run") == "Would replay 0 of 0 events.\n"


def test_refused__some(history: list[WebhookEvent], run: Run) -> None:
    events.filter(pk=history[0].pk).update(attempt_began_at=timezone.now())
    assert run("replay", "--provider", "kinde") == (
        "Replayed 1 events: 1 processed.\n1 not replayed: It is being worked now.\n"
    )


def test_refused__all_is_an_error(history: list[WebhookEvent], run: Run) -> None:
    prune(older_than=timedelta())
    with pytest.raises(CommandError) as caught:
        run("replay", "--provider", "kinde")
    assert str(caught.value) == "2 not replayed: It was pruned: what it said is gone."


def test_receiver(history: list[WebhookEvent], run: Run, connect: Connect) -> None:
    calls: list[str] = []
    connect(event_processed, lambda event, **_: calls.append(event.event_type), "new")
    chosen = ("replay", "--provider", "kinde", "--receiver", "new")
    run(*chosen)
    assert calls == ["customer.agreement_created", "customer.payment_failed"]
    with pytest.raises(CommandError, match="2 not replayed: The receiver has succeeded"):
        run(*chosen)
    run(*chosen, "--again")
    assert len(calls) == 4


class TestDryRun:
    """What it prints, for people to read."""

    def test_new_customer(
        self, post_kinde: PostKinde, run: Run, connect: Connect, settings: Any
    ) -> None:
        settings.BILLING_WEBHOOKS_DISPATCH = "deferred"
        connect(signals.payment_succeeded, lambda **_: None, "shop.receivers.thank")
        data = {**SIGN_UP, "payment_id": "pay_1", "amount": "19.90", "currency": "EUR"}
        post_kinde("customer.payment_succeeded", data, occurred_at=at("10:00"))
        before = dump()
        said = run("replay", "--state", "pending", "--dry-run")

        assert dump() == before
        assert (
            said
            == f"""\
{events.get().pk} kinde customer.payment_succeeded, occurred 2026-03-02 11:00:00+01:00
  plan pro (new)
    code: none -> 'pro'
    name: none -> 'Pro'
  customer customer_1 (new)
    external_id: none -> 'customer_1'
    email: none -> 'ada@example.org'
    collection: none -> 'paid'
  subscription agreement_1 (new)
    external_id: none -> 'agreement_1'
    customer: none -> customer_1
    plan: none -> pro
    plan_name: none -> 'Pro'
    status: none -> 'active'
  payment pay_1 (new)
    customer: none -> customer_1
    occurred_at: none -> 2026-03-02 11:00:00+01:00
    external_id: none -> 'pay_1'
    amount: none -> 19.9
    currency: none -> 'EUR'
    status: none -> 'succeeded'
  would run: shop.receivers.thank
Would replay 1 of 1 events.
  for 1 of them would run: shop.receivers.thank
"""
        )

    def test_correction_refusal_failure_and_nothing(
        self, history: list[WebhookEvent], run: Run
    ) -> None:
        first, failed, under_way = history
        events.filter(pk=under_way.pk).update(attempt_began_at=timezone.now())
        said = run("replay", "--since", "2026-03-02", "--dry-run").splitlines()

        assert said == [
            f"{first.pk} kinde customer.agreement_created, occurred 2026-03-02 11:00:00+01:00",
            "  nothing would change or run",
            f"{under_way.pk} kinde customer.payment_failed, occurred 2026-03-02 13:00:00+01:00",
            "  would not be replayed: It is being worked now.",
            said[4],
            f"  would fail: {failed.last_error}",
            "Would replay 2 of 3 events.",
        ]

    def test_hostile_text__does_nothing_to_the_terminal(
        self, post_kinde: PostKinde, run: Run, settings: Any
    ) -> None:
        settings.BILLING_WEBHOOKS_DISPATCH = "deferred"
        hostile = "\x1b[2J\u202egnp.exe\r\n\ud800"
        data = {**SIGN_UP, "plan": {"code": "pro", "name": hostile}}
        post_kinde("customer.plan_assigned", data)
        post_kinde(f"customer.{hostile}", data)
        post_kinde("customer.plan_assigned", {"customer_id": f"a{hostile[:-1]}"})
        for option in ("--dry-run", "--rebuild"):
            said = run("replay", "--provider", "kinde", option)
            assert all(character.isprintable() or character == "\n" for character in said)
        assert r"\x1b[2J\u202egnp.exe\r\n" in run("replay", "--provider", "kinde", "--dry-run")


def test_deleted_rows__are_shown_and_then_made(post_kinde: PostKinde, run: Run) -> None:
    data = {**SIGN_UP, "payment_id": "pay_1"}
    post_kinde("customer.payment_succeeded", data)
    Payment.objects.all().delete()
    assert "  payment pay_1 (new)\n" in run("replay", "--state", "processed", "--dry-run")
    run("replay", "--state", "processed")

    assert Payment.objects.get().external_id == "pay_1"
    assert states() == ["processed"]
