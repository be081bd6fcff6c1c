"""Stored events are projected anew beside the live rows, and nothing of it is left behind."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from billing_webhooks import projection, rebuilding
from billing_webhooks.differences import Difference, Name
from billing_webhooks.models import (
    Customer,
    CustomerIdentity,
    Payment,
    Plan,
    Subscription,
    WebhookEvent,
)
from billing_webhooks.pruning import prune
from billing_webhooks.rebuilding import SCRATCH, Rebuilt, rebuild
from billing_webhooks.testing import KindeIssuer
from tests.conftest import PostBillaBear, PostKinde, at
from tests.fuzzing.budget import budget
from tests.histories import billabear_events, kinde_histories
from tests.replaying.conftest import SIGN_UP, Correct, Run
from tests.replaying.dumps import dump
from tests.replaying.test_refused import PAYMENT
from tests.test_convergence import rolled_back

pytestmark = pytest.mark.django_db(transaction=True)

CUSTOMER = Name("id:customer_1")
EMAIL = {**SIGN_UP, "user": {"email": "ADA@example.org"}}
few = budget(20)


def found(alias: str = "kinde") -> Rebuilt:
    """Return what a rebuild finds, having looked that it changes nothing."""
    before = dump()
    rebuilt = rebuild(alias)
    assert dump() == before
    return rebuilt


def differences(alias: str = "kinde") -> list[tuple[str, str, str, Any, Any]]:
    return [(d.model, d.row, d.field, d.old, d.new) for d in found(alias).differences]


@few
@given(history=kinde_histories)
def test_kinde__no_difference_after_any_history(
    issuer: KindeIssuer, client: Client, history: list[dict[str, Any]]
) -> None:
    with rolled_back():
        for event in history:
            client.post("/webhooks/kinde", issuer.sign(event), content_type="application/jwt")
        rebuilt = rebuild("kinde")
        assert (rebuilt.differences, rebuilt.events) == ([], len(history))


@few
@given(history=st.lists(billabear_events, min_size=2, max_size=7))
def test_billabear__no_difference_after_any_history(
    post_billabear: PostBillaBear, history: list[tuple[str, dict[str, Any]]]
) -> None:
    with rolled_back():
        for event_type, content in history:
            post_billabear(event_type, **content)
        assert rebuild("billabear").differences == []


def test_organisation__that_was_claimed_later_than_the_claim_that_came_last(
    post_kinde: PostKinde,
) -> None:
    organization = {"org_code": "org_1"}
    one, other = {"customer_id": "customer_1"}, {"customer_id": "customer_2"}
    for data, time in (
        (one, "10:00"),
        (organization, "10:00"),
        (one | organization, "10:00"),
        (one | organization, "10:01"),
        (other, "10:00"),
        (other | organization, "10:00"),
    ):
        post_kinde("customer.plan_created", data, occurred_at=at(time))

    [owner] = CustomerIdentity.objects.filter(kind="organization")
    assert owner.row.external_id == "customer_1"
    assert differences() == []


def test_live_rows__edited_deleted_and_added_by_hand(post_kinde: PostKinde) -> None:
    post_kinde("customer.payment_succeeded", {**SIGN_UP, "payment_id": "pay_1", "amount": 10})
    Customer.objects.update(email="wrong")
    Subscription.objects.update(plan=None)
    Payment.objects.all().delete()
    Subscription.objects.create(provider="kinde", external_id="made by hand")
    Customer.objects.create(provider="kinde", external_id="made by hand")
    by_hand = Customer.objects.latest("pk")

    assert differences() == [
        ("customer", f"#{by_hand.pk}", "", f"#{by_hand.pk}", None),
        ("customer", CUSTOMER, "email", "wrong", "ada@example.org"),
        ("subscription", "agreement_1", "plan", None, "id:pro"),
        ("subscription", "made by hand", "", "made by hand", None),
        ("payment", "id:pay_1", "", None, "id:pay_1"),
    ]


def test_corrected_reading__shows_what_it_would_make(
    post_kinde: PostKinde, correct: Correct
) -> None:
    post_kinde("customer.agreement_created", EMAIL)
    assert differences() == []
    correct("LowerCase")
    assert differences() == [("customer", CUSTOMER, "email", "ADA@example.org", "ada@example.org")]


def test_merged_customers__are_one_on_both_sides(post_kinde: PostKinde) -> None:
    post_kinde("customer.plan_assigned", {"org_code": "org_1"}, occurred_at=at("09:00"))
    post_kinde("customer.plan_assigned", {"customer_id": "customer_1"}, occurred_at=at("10:00"))
    both = {"org_code": "org_1", "customer_id": "customer_1"}
    post_kinde("customer.plan_assigned", both, occurred_at=at("11:00"))
    assert differences() == []

    CustomerIdentity.objects.filter(kind="organization").delete()
    names = f"{CUSTOMER}, organization:org_1"
    assert differences() == [("customer", CUSTOMER, "names", CUSTOMER, names)]


def test_two_accounts__do_not_mix(post_kinde: PostKinde, post_billabear: PostBillaBear) -> None:
    post_kinde("customer.agreement_created", SIGN_UP)
    post_billabear("payment_received", **PAYMENT)
    assert (differences("kinde"), differences("billabear")) == ([], [])


def test_pending__never_applied_is_left_out(post_kinde: PostKinde, settings: Any) -> None:
    post_kinde("customer.agreement_created", SIGN_UP)
    settings.BILLING_WEBHOOKS_DISPATCH = "deferred"
    post_kinde("customer.payment_failed", SIGN_UP)
    rebuilt = found()
    assert (rebuilt.events, rebuilt.differences) == (1, [])


def test_pending__being_replayed_is_not(post_kinde: PostKinde, settings: Any, run: Run) -> None:
    post_kinde("customer.agreement_created", SIGN_UP)
    settings.BILLING_WEBHOOKS_DISPATCH = "deferred"
    run("replay", "--provider", "kinde")
    assert WebhookEvent.objects.get().applied_at is None
    assert differences() == []


def test_quarantined_and_unreadable__make_nothing(post_billabear: PostBillaBear) -> None:
    post_billabear("customer_created", customer=None)
    post_billabear("payment_received", **{**PAYMENT, "amount": 19.99})
    dead = WebhookEvent.objects.get(state="dead")
    assert found("billabear") == Rebuilt(events=1, unreadable=[str(dead.pk)])


def test_dead__readable_by_now_is_shown_as_missing(
    post_kinde: PostKinde, correct: Correct, settings: Any
) -> None:
    good = settings.BILLING_WEBHOOKS_PROVIDERS
    correct("Puzzled")
    post_kinde("customer.agreement_created", SIGN_UP)
    settings.BILLING_WEBHOOKS_PROVIDERS = good
    assert ("customer", CUSTOMER, "", None, CUSTOMER) in differences()


def test_pruned__are_counted(post_kinde: PostKinde) -> None:
    post_kinde("customer.agreement_created", SIGN_UP)
    prune(older_than=timedelta())
    rebuilt = found()
    assert (rebuilt.events, rebuilt.pruned) == (1, 1)
    assert Difference("customer", CUSTOMER, "", CUSTOMER, None) in rebuilt.differences


def test_bad_event__does_not_spoil_its_batch(
    post_kinde: PostKinde, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(5):
        post_kinde("customer.plan_assigned", {"customer_id": f"customer_{number}"})
    bad = WebhookEvent.objects.order_by("pk")[3]
    genuine = projection.apply

    def fail_for_one(db: str, provider: str, batch: Any, resolution: Any) -> Any:
        if any(reading.sequence == bad.sequence for reading in batch):
            raise ValueError
        return genuine(db, provider, batch, resolution)

    monkeypatch.setattr(projection, "apply", fail_for_one)
    rebuilt = found()
    assert rebuilt.unreadable == [str(bad.pk)]
    # Its row is made before that fails, as it is in live processing.
    assert {d.field for d in rebuilt.differences} == {"external_id"}


def test_crash__in_the_middle_leaves_nothing(
    post_kinde: PostKinde, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rebuilding, "EVENTS_PER_BATCH", 1)
    for number in range(3):
        post_kinde("customer.plan_assigned", {"customer_id": f"customer_{number}"})
    before = dump()

    def crash(events: int) -> None:
        if events == 2:
            assert Customer.objects.filter(provider=SCRATCH).count() == 2
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rebuild("kinde", tell=crash)
    assert dump() == before


def test_batches__take_every_event_once(
    post_kinde: PostKinde, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rebuilding, "EVENTS_PER_BATCH", 2)
    for number in range(5):
        post_kinde("customer.plan_assigned", {"customer_id": f"customer_{number}"})
    told: list[int] = []
    assert rebuild("kinde", tell=told.append).events == 5
    assert told == [2, 4, 5]


class TestCommand:
    """What it prints, for people to read."""

    def test_no_difference(self, post_kinde: PostKinde, run: Run) -> None:
        post_kinde("customer.agreement_created", SIGN_UP)
        assert run("replay", "--rebuild") == (
            "kinde: 0 differences (live -> rebuilt) after 1 events.\n"
            "billabear: 0 differences (live -> rebuilt) after 0 events.\n"
        )

    def test_differences(self, post_kinde: PostKinde, run: Run) -> None:
        post_kinde("customer.agreement_created", SIGN_UP, occurred_at=at("10:00"))
        Customer.objects.update(email="wrong", plan=None)
        Subscription.objects.update(external_id="other")
        Plan.objects.update(has_trial=True)
        WebhookEvent.objects.create(
            provider="kinde",
            state="processed",
            mailbox="kinde:",
            pruned_at=timezone.now(),
            occurred_at=at("10:00"),
            received_at=at("10:00"),
        )
        said = run("replay", "--rebuild", "--provider", "kinde")
        assert (
            said
            == """\
  customer customer_1
    email: 'wrong' -> 'ada@example.org'
    plan: none -> pro
  plan pro
    has_trial: True -> none
  subscription agreement_1 (not live)
  subscription other (live only: no event makes it)
kinde: 5 differences (live -> rebuilt) after 2 events.
1 were pruned, so what they said is missing.
"""
        )

    def test_unreadable(self, post_billabear: PostBillaBear, run: Run) -> None:
        for _ in range(11):
            post_billabear("customer_created", customer=PAYMENT["customer"])
        WebhookEvent.objects.update(body=b"[]")
        keys = [str(event.pk) for event in WebhookEvent.objects.order_by("pk")]
        said = run("replay", "--rebuild", "--provider", "billabear").splitlines()
        assert said[-1] == f"{len(keys)} say nothing readable: {', '.join(keys[:10])}, …"
