"""A dry run leaves nothing behind, and says what the replay then does."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection, connections, transaction
from hypothesis import given
from hypothesis import strategies as st

from billing_webhooks import signals
from billing_webhooks.differences import Difference, Name
from billing_webhooks.models import Customer, Mailbox, Plan, Subscription, WebhookEvent
from billing_webhooks.previewing import Preview, preview
from billing_webhooks.replaying import Scope, replay
from billing_webhooks.signals import event_processed
from billing_webhooks.testing import KindeIssuer
from tests.conftest import Connect, PostBillaBear, PostKinde, at
from tests.fuzzing.budget import budget
from tests.replaying.conftest import SIGN_UP, Correct, work_off
from tests.replaying.dumps import attempts, called, changed, dump, promised
from tests.replaying.test_refused import PAYMENT
from tests.snapshots import snapshot
from tests.test_concurrency import at_once

pytestmark = pytest.mark.django_db(transaction=True)

events = WebhookEvent.objects.order_by("occurred_at", "sequence")
CUSTOMER_1 = Name("id:customer_1")


def previews(scope: Scope = Scope()) -> list[Preview]:  # noqa: B008 - it is frozen
    """Return what a replay of everything would do, having looked that nothing is changed."""
    before = dump()
    found = list(preview(events.all(), scope))
    assert dump() == before
    return found


def changes(scope: Scope = Scope()) -> list[tuple[str, str, str, Any, Any]]:  # noqa: B008
    return [
        (each.model, each.row, each.field, each.old, each.new)
        for found in previews(scope)
        for each in found.changes
    ]


def test_new_customer__is_shown_and_not_made(
    connect: Connect, post_kinde: PostKinde, settings: Any
) -> None:
    connect(signals.customer_created, lambda **_: None, "welcome")
    connect(signals.payment_failed, lambda **_: None, "dunning")
    settings.BILLING_WEBHOOKS_DISPATCH = "deferred"
    post_kinde("customer.agreement_created", SIGN_UP, occurred_at=at("10:00"))
    (found,) = previews()

    assert not Customer.objects.exists()
    assert not Mailbox.objects.exists()
    assert found.receivers == ["welcome"]
    assert Difference("customer", CUSTOMER_1, "", None, CUSTOMER_1) in found.changes
    assert Difference("customer", CUSTOMER_1, "plan", None, Name("id:pro")) in found.changes
    subscription = Name("agreement_1")
    assert Difference("subscription", subscription, "started_at", None, at("10:00")) in (
        found.changes
    )
    assert Difference("subscription", subscription, "customer", None, CUSTOMER_1) in found.changes


def test_second_event__of_a_new_customer_makes_no_other(
    connect: Connect, post_kinde: PostKinde, settings: Any
) -> None:
    connect(signals.customer_created, lambda **_: None, "welcome")
    settings.BILLING_WEBHOOKS_DISPATCH = "deferred"
    for minute in range(3):
        post_kinde("customer.agreement_created", SIGN_UP, occurred_at=at(f"10:0{minute}"))
    assert [found.receivers for found in previews()] == [["welcome"], [], []]


def test_corrected_reading__shows_old_and_new(post_kinde: PostKinde, correct: Correct) -> None:
    post_kinde("customer.agreement_created", {**SIGN_UP, "user": {"email": "ADA@example.org"}})
    correct("LowerCase")
    assert changes() == [("customer", CUSTOMER_1, "email", "ADA@example.org", "ada@example.org")]


def test_nothing__would_change(post_kinde: PostKinde) -> None:
    post_kinde("customer.agreement_created", SIGN_UP)
    assert [(found.changes, found.receivers) for found in previews()] == [([], [])]


def test_merging__is_told_with_both_names(post_kinde: PostKinde, settings: Any) -> None:
    post_kinde("customer.plan_assigned", {"org_code": "org_1"}, occurred_at=at("09:00"))
    post_kinde("customer.plan_assigned", {"customer_id": "customer_1"}, occurred_at=at("10:00"))
    settings.BILLING_WEBHOOKS_DISPATCH = "deferred"
    both = {"org_code": "org_1", "customer_id": "customer_1"}
    post_kinde("customer.plan_assigned", both, occurred_at=at("11:00"))
    before = Customer.objects.count()

    organization = Name("organization:org_1")
    assert ("customer", organization, "", organization, CUSTOMER_1) in changes()
    assert Customer.objects.count() == before == 2


def test_not_understood__would_fail(post_kinde: PostKinde, correct: Correct) -> None:
    post_kinde("customer.agreement_created", SIGN_UP)
    correct("Puzzled")
    assert [found.failed for found in previews()] == ["What does it say?"]
    correct("Broken")
    assert [found.failed for found in previews()] == ["KeyError: 'plan'"]


def test_failing__does_not_spoil_what_is_said_of_the_next(
    post_kinde: PostKinde, post_billabear: PostBillaBear, settings: Any
) -> None:
    settings.BILLING_WEBHOOKS_DISPATCH = "deferred"
    customer = PAYMENT["customer"]
    post_billabear("payment_received", **{**PAYMENT, "amount": "12"})
    post_billabear("customer_created", customer=customer)
    first, second = previews()

    assert "amount" in first.failed
    assert second.failed == ""
    assert second.changes


def test_quarantined__is_shown_as_what_it_would_be(
    post_billabear: PostBillaBear, correct: Correct, settings: Any
) -> None:
    later = settings.BILLING_WEBHOOKS_PROVIDERS
    correct("Unready", "billabear")
    for _ in range(2):
        post_billabear("payment_received", **PAYMENT)
    assert [found.refused for found in previews()] == ["Not yet."] * 2

    settings.BILLING_WEBHOOKS_PROVIDERS = later
    # Their mailbox is that of nobody yet, so they are tried together.
    first, second = previews()
    assert first.event.event_type == "payment_received"
    assert {each.model for each in first.changes} == {"customer", "payment"}
    assert second.refused == f"It repeats the event {first.event.pk}."


def test_one_receiver__is_shown_alone(connect: Connect, post_kinde: PostKinde) -> None:
    connect(event_processed, lambda **_: None, "old")
    post_kinde("customer.agreement_created", SIGN_UP)
    for name in ("new", "other"):
        connect(event_processed, lambda **_: None, name)
    Customer.objects.update(email="by.hand@example.org")

    assert [(found.changes, found.receivers) for found in previews(Scope("new"))] == [([], ["new"])]
    again = previews(Scope("old", again=True))
    assert [found.receivers for found in again] == [["old"]]
    assert [bool(found.refused) for found in previews(Scope("old"))] == [True]


def test_gone__while_others_are_shown(post_kinde: PostKinde) -> None:
    post_kinde("customer.agreement_created", SIGN_UP)
    some = list(events.all())
    events.all().delete()
    assert list(preview(some)) == []


@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite locks the whole database")
def test_locks__are_gone_afterwards(post_kinde: PostKinde) -> None:
    def lock_all() -> int:
        with transaction.atomic():
            locked = Customer, Plan, Subscription, WebhookEvent, Mailbox
            return sum(len(m.objects.select_for_update(nowait=True)) for m in locked)

    post_kinde("customer.agreement_created", SIGN_UP)
    for number, _ in enumerate(preview(events.all())):
        # Even while somebody still looks at what came out.
        assert at_once([lock_all]) == [5], number


def test_beside_workers__neither_is_in_the_others_way(
    issuer: KindeIssuer, post_kinde: PostKinde, settings: Any
) -> None:
    settings.BILLING_WEBHOOKS_DISPATCH = "deferred"
    for number in range(30):
        who = {"customer_id": f"customer_{number % 3}", "plan": {"code": f"plan_{number % 2}"}}
        post_kinde("customer.plan_changed", who, occurred_at=at(f"10:{number:02d}"))

    def look() -> None:
        connections["default"].ensure_connection()
        list(preview(WebhookEvent.objects.order_by("occurred_at")))

    at_once([work_off, look, work_off, look, look])
    work_off()
    expected = snapshot()
    assert set(events.values_list("state", flat=True)) == {"processed"}
    replay(events.all())
    assert snapshot() == expected


PEOPLE = ({"customer_id": "customer_1"}, {"customer_id": "customer_2", "org_code": "org_2"})
PLANS: tuple[dict[str, Any], ...] = ({}, {"plan": {"code": "pro", "name": "Pro"}})
MAILS: tuple[dict[str, Any], ...] = ({}, {"user": {"email": "Ada@example.org"}})
TYPES = ("plan_assigned", "plan_changed", "agreement_created", "payment_failed", "unheard_of")
stories = st.lists(
    st.tuples(
        st.sampled_from(TYPES),
        st.sampled_from(PEOPLE),
        st.sampled_from(PLANS),
        st.sampled_from(MAILS),
        st.integers(0, 5),
    ),
    min_size=1,
    max_size=5,
)


@budget(15)
@given(story=stories, done=st.integers(0, 5), is_corrected=st.booleans())
def test_preview__is_what_then_happens(
    connect: Connect,
    post_kinde: PostKinde,
    correct: Correct,
    settings: Any,
    story: list[Any],
    done: int,
    is_corrected: bool,
) -> None:
    good = settings.BILLING_WEBHOOKS_PROVIDERS
    WebhookEvent.objects.all().delete()
    for model in (Customer, Plan, Subscription, Mailbox):
        model.objects.all().delete()
    settings.BILLING_WEBHOOKS_DISPATCH = "inline"
    for number, (event_type, who, plan, mail, minute) in enumerate(story):
        if number == done:
            settings.BILLING_WEBHOOKS_DISPATCH = "deferred"
        data = {**who, **plan, **mail, "agreement_id": f"of_{who['customer_id']}"}
        post_kinde(f"customer.{event_type}", data, occurred_at=at(f"10:0{minute}"))
    for signal in signals.DOMAIN_SIGNALS.values():
        connect(signal, lambda **_: None, f"new {signal.name}")
    if is_corrected:
        correct("LowerCase")

    known = {event.pk: event.changes for event in events.all()}
    found, ran = previews(), attempts()
    # Whose news a plan is depends on whose events are worked first: here, in this order.
    settings.BILLING_WEBHOOKS_DISPATCH = "inline"
    replay(events.all())
    settings.BILLING_WEBHOOKS_PROVIDERS = good

    assert promised(found) == called(ran)
    assert {one.event.pk: told_of(one) for one in found} == {
        event.pk: changed(event, known[event.pk]) for event in events.all()
    }


def told_of(found: Preview) -> set[tuple[str, str]]:
    """Return the (model, field) pairs that would change."""
    return {(each.model, each.field) for each in found.changes if each.field}
