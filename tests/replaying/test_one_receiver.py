"""A replay for one receiver: it alone runs, and what others have left undone stays told."""

from __future__ import annotations

from typing import Any

import pytest

from billing_webhooks import signals
from billing_webhooks.exceptions import GiveUp
from billing_webhooks.models import Customer, ReceiverRun, WebhookEvent
from billing_webhooks.replaying import Scope, replay
from billing_webhooks.signals import event_processed
from tests.conftest import Connect, PostBillaBear, PostKinde
from tests.replaying.conftest import SIGN_UP, Correct, states, work_off

pytestmark = pytest.mark.django_db(transaction=True)

events = WebhookEvent.objects.order_by("occurred_at")
NEW = Scope("new")


def reasons(scope: Scope) -> list[str]:
    """Return why a replay of everything was refused."""
    replayed = replay(events.all(), scope)
    assert replayed.keys == []
    return list(replayed.refused)


def fail(**_: Any) -> None:
    raise ValueError


def give_up(**_: Any) -> None:
    raise GiveUp


def test_new_one__runs_alone_and_once(connect: Connect, post_kinde: PostKinde) -> None:
    calls: list[str] = []
    connect(event_processed, lambda **_: calls.append("old"), "old")
    post_kinde("customer.agreement_created", SIGN_UP)
    for name in ("new", "other"):
        connect(event_processed, lambda name=name, **_: calls.append(name), name)
    replay(events.all(), NEW)

    assert calls == ["old", "new"]
    assert states() == ["processed"]
    assert reasons(NEW) == ["The receiver has succeeded for it already."]
    assert calls == ["old", "new"]


def test_again__runs_where_it_has_succeeded(connect: Connect, post_kinde: PostKinde) -> None:
    calls: list[str] = []
    for name in ("one", "two"):
        connect(event_processed, lambda name=name, **_: calls.append(name), name)
    post_kinde("customer.agreement_created", SIGN_UP)
    replay(events.all(), Scope("one", again=True))

    assert calls == ["one", "two", "one"]
    assert states() == ["processed"]


def test_rows__are_left_alone(connect: Connect, post_kinde: PostKinde, correct: Correct) -> None:
    post_kinde("customer.agreement_created", SIGN_UP)
    Customer.objects.update(email="by.hand@example.org")
    correct("Puzzled")
    connect(event_processed, lambda **_: None, "new")
    replay(events.all(), NEW)

    assert states() == ["processed"]
    assert Customer.objects.get().email == "by.hand@example.org"


def test_not_listening__is_refused(connect: Connect, post_kinde: PostKinde) -> None:
    post_kinde("customer.agreement_created", SIGN_UP)
    connect(signals.invoice_overdue, lambda **_: None, "new")

    assert reasons(NEW) == ["The receiver does not listen to it."]
    assert states() == ["processed"]


@pytest.mark.parametrize(
    ("other", "left"), [(fail, "Not done by other."), (give_up, "Given up by other.")]
)
def test_dead__stays_dead_while_another_has_not_done_its_part(
    connect: Connect, post_kinde: PostKinde, settings: Any, other: Any, left: str
) -> None:
    settings.BILLING_WEBHOOKS_MAX_ATTEMPTS = 1
    calls: list[str] = []
    is_fixed: list[bool] = []

    def hear(**_: Any) -> None:
        calls.append("new")
        if not is_fixed:
            raise ValueError

    connect(event_processed, other, "other")
    connect(event_processed, hear, "new")
    post_kinde("customer.agreement_created", SIGN_UP)
    is_fixed.append(True)
    replay(events.all(), NEW)

    assert calls == ["new", "new"]
    event = WebhookEvent.objects.get()
    assert (event.state, event.last_error) == ("dead", left)
    assert reasons(NEW) == ["The receiver has succeeded for it already."]

    event_processed.disconnect(dispatch_uid="other")
    replay(events.all())
    assert states() == ["processed"]


def test_dead__before_it_was_the_others_turn_stays_dead(
    connect: Connect, post_kinde: PostKinde, settings: Any
) -> None:
    calls: list[str] = []
    settings.BILLING_WEBHOOKS_DISPATCH = "deferred"
    post_kinde("customer.agreement_created", SIGN_UP)
    work_off()
    # What is left of an event whose first receiver killed each of its workers.
    for name in ("first", "second"):
        connect(event_processed, lambda name=name, **_: calls.append(name), name)
    WebhookEvent.objects.update(state="dead", last_error="The worker died in attempt 12.")
    ReceiverRun.objects.create(
        event=events.get(), signal="event_processed", receiver="first", attempts=12
    )
    replay(events.all(), Scope("first"))
    work_off()

    event = WebhookEvent.objects.get()
    assert (event.state, event.last_error) == ("dead", "Not done by second.")
    replay(events.all(), Scope("second"))
    work_off()
    assert states() == ["processed"]
    assert calls == ["first", "second"]


def test_processed__a_new_one_that_fails_makes_it_dead(
    connect: Connect, post_kinde: PostKinde, settings: Any
) -> None:
    settings.BILLING_WEBHOOKS_MAX_ATTEMPTS = 1
    post_kinde("customer.agreement_created", SIGN_UP)
    connect(event_processed, fail, "new")
    replay(events.all(), NEW)

    event = WebhookEvent.objects.get()
    assert (event.state, event.last_error) == ("dead", "Failed: new.")


def test_removed__before_it_could_run_leaves_the_event_as_it_was(
    connect: Connect, post_kinde: PostKinde, settings: Any
) -> None:
    post_kinde("customer.agreement_created", SIGN_UP)
    settings.BILLING_WEBHOOKS_DISPATCH = "deferred"
    connect(event_processed, lambda **_: None, "new")
    replay(events.all(), NEW)
    event_processed.disconnect(dispatch_uid="new")
    work_off()

    assert states() == ["processed"]
    assert WebhookEvent.objects.get().only_receiver == ""


def test_never_applied__is_refused(
    connect: Connect, post_kinde: PostKinde, correct: Correct
) -> None:
    correct("Puzzled")
    post_kinde("customer.agreement_created", SIGN_UP)
    connect(event_processed, lambda **_: None, "new")

    assert reasons(NEW) == ["It was never applied: replay it for all receivers."]


def test_pending__is_refused(connect: Connect, post_kinde: PostKinde) -> None:
    connect(event_processed, fail, "new")
    post_kinde("customer.agreement_created", SIGN_UP)

    assert reasons(NEW) == ["It is pending: its receivers have yet to run."]


def test_quarantined__is_refused(connect: Connect, post_billabear: PostBillaBear) -> None:
    connect(event_processed, lambda **_: None, "new")
    post_billabear("customer_created", customer=None)

    assert reasons(NEW) == ["It was never applied: replay it for all receivers."]


def test_replay_for_all__after_one_for_one_receiver_is_for_all(
    connect: Connect, post_kinde: PostKinde, settings: Any
) -> None:
    calls: list[str] = []
    post_kinde("customer.agreement_created", SIGN_UP)
    settings.BILLING_WEBHOOKS_DISPATCH = "deferred"
    for name in ("new", "other"):
        connect(event_processed, lambda name=name, **_: calls.append(name), name)
    replay(events.all(), NEW)
    replay(events.all())
    work_off()

    assert calls == ["new", "other"]
