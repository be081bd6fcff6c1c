"""Many workers link at once, and are killed while they do: every link is one, and told of once."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from django.contrib.auth.models import User

from billing_webhooks.linking import user_resolver
from billing_webhooks.models import Customer, CustomerLink, WebhookEvent
from billing_webhooks.signals import customer_linked
from billing_webhooks.sweeping import sweep
from billing_webhooks.testing import KindeIssuer, kinde_event
from tests.conftest import Connect, make_due
from tests.crashes.stories import Story, writes
from tests.linking.conftest import Resolve
from tests.outcomes import note_call
from tests.test_concurrency import at_once, post
from tests.test_crash_matrix import harm_done

pytestmark = pytest.mark.django_db(transaction=True)

# In two mailboxes, and of one customer.
NAMES = ({"org_code": "org_1"}, {"org_code": "org_1", "customer_id": "customer_1"})


def body(issuer: KindeIssuer, number: int) -> bytes:
    return issuer.sign(kinde_event("customer.plan_assigned", NAMES[number % 2]))


def test_at_once__each_user_is_linked_and_told_of_once(
    resolve: Resolve, connect: Connect, issuer: KindeIssuer, ada: User, bob: User
) -> None:
    told: Counter[str] = Counter()
    connect(customer_linked, lambda user, **_: told.update([user.username]))
    resolve(lambda customer, event: [ada, bob])

    assert set(at_once([post(body(issuer, number)) for number in range(40)])) == {200}
    make_due()
    sweep()

    assert set(WebhookEvent.objects.values_list("state", flat=True)) == {"processed"}
    assert set(Customer.objects.get().users) == {ada, bob}
    assert told == {"ada": 1, "bob": 1}


def test_killed_before_any_write__there_is_one_link_and_one_call(
    resolve: Resolve, connect: Connect, issuer: KindeIssuer, no_waiting: None, ada: User
) -> None:
    def whose(customer: Customer, event: WebhookEvent) -> User:
        note_call("tests.linking.resolvers.whose", user_resolver, event)
        return ada

    def hear(signal: Any, event: WebhookEvent, **_: Any) -> None:
        assert CustomerLink.objects.get().user == ada
        note_call("hear", signal, event)

    resolve(whose)
    connect(customer_linked, hear, "hear")
    assert harm_done(Story(body(issuer, 1)), writes) == []
    assert CustomerLink.objects.get().user == ada
