"""The action of the list of events: who may, what it says, and that it can do no harm twice."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connections
from django.test import Client
from django.utils import timezone

from billing_webhooks.models import ReceiverRun, WebhookEvent
from billing_webhooks.pruning import prune
from billing_webhooks.signals import event_processed
from tests.admin_pages.pages import (
    confirm,
    list_url,
    messages_of,
    page_url,
    text_of,
)
from tests.conftest import Connect, PostBillaBear, PostKinde

pytestmark = pytest.mark.django_db(transaction=True)

URL = "/admin/billing_webhooks/webhookevent/"
SIGN_UP = {"customer_id": "customer_1", "agreement_id": "agreement_1"}


@pytest.fixture
def operator(client: Client, viewer: User) -> User:
    viewer.user_permissions.add(Permission.objects.get(codename="replay_webhookevent"))
    return viewer


@pytest.fixture
def calls(connect: Connect) -> list[str]:
    """What a receiver was called for that fails the first time it is called."""
    calls: list[str] = []

    def hear(event: WebhookEvent, **_: Any) -> None:
        calls.append(event.event_type)
        if len(calls) == 1:
            raise ConnectionError

    connect(event_processed, hear)
    return calls


def replay(client: Client, **more: Any) -> Any:
    keys = list(WebhookEvent.objects.values_list("pk", flat=True))
    asked = client.post(URL, {"action": "replay", "_selected_action": keys, **more})
    return confirm(client, asked)


def test_replayed__and_told_how_many(
    client: Client, operator: User, post_kinde: PostKinde, calls: list[str]
) -> None:
    post_kinde("customer.agreement_created", SIGN_UP)
    assert WebhookEvent.objects.get().state == "pending"
    response = replay(client)

    assert response.status_code == 302
    assert messages_of(response) == ["1 event is worked once more."]
    assert WebhookEvent.objects.get().state == "processed"
    assert len(calls) == 2


def test_twice__does_no_harm(
    client: Client, operator: User, post_kinde: PostKinde, calls: list[str]
) -> None:
    post_kinde("customer.agreement_created", SIGN_UP)
    for _ in range(3):
        replay(client)
    assert len(calls) == 2
    assert ReceiverRun.objects.get().state == "succeeded"


def test_viewer__may_not_and_is_not_offered_it(
    client: Client, viewer: User, post_kinde: PostKinde, calls: list[str]
) -> None:
    post_kinde("customer.agreement_created", SIGN_UP)
    assert '<option value="replay">' not in text_of(client, URL)
    before = WebhookEvent.objects.values().get()
    replay(client)

    assert WebhookEvent.objects.values().get() == before
    assert len(calls) == 1


def test_operator__is_offered_it(client: Client, operator: User, post_kinde: PostKinde) -> None:
    post_kinde("customer.agreement_created", SIGN_UP)
    assert '<option value="replay">Replay</option>' in text_of(client, URL)


def test_get__does_nothing(
    client: Client, operator: User, post_kinde: PostKinde, calls: list[str]
) -> None:
    post_kinde("customer.agreement_created", SIGN_UP)
    key = str(WebhookEvent.objects.get().pk)
    client.get(URL, {"action": "replay", "_selected_action": key})
    client.get(list_url(WebhookEvent), {"action": "replay", "_selected_action": key, "index": "0"})
    assert len(calls) == 1


def test_other_site__cannot_post_it(
    operator: User, post_kinde: PostKinde, calls: list[str]
) -> None:
    post_kinde("customer.agreement_created", SIGN_UP)
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(operator)
    assert replay(strict).status_code == 403
    assert len(calls) == 1


def test_refused__are_counted_by_reason(
    client: Client, operator: User, post_kinde: PostKinde, post_billabear: PostBillaBear
) -> None:
    for _ in range(5):
        post_kinde("customer.agreement_created", SIGN_UP)
    events = list(WebhookEvent.objects.order_by("received_at"))
    prune(older_than=timedelta())
    WebhookEvent.objects.filter(pk__in=[e.pk for e in events[:2]]).update(pruned_at=None)
    WebhookEvent.objects.filter(pk=events[0].pk).update(attempt_began_at=timezone.now())
    post_billabear("customer_created", customer=None)
    response = replay(client)

    assert sorted(messages_of(response)) == [
        "1 event is worked once more.",
        "1 was left out: It is being worked now.",
        "1 was left out: The body has no customer object.",
        "3 were left out: It was pruned: what it said is gone.",
    ]


def test_all_pages__are_replayed(
    client: Client, operator: User, post_kinde: PostKinde, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        post_kinde("customer.agreement_created", SIGN_UP)
    first = WebhookEvent.objects.values_list("pk", flat=True)[0]
    response = client.post(
        URL, {"action": "replay", "_selected_action": [first], "select_across": "1"}
    )
    assert messages_of(confirm(client, response)) == ["3 events are worked once more."]


@pytest.mark.usefixtures("operator")
def test_transaction_per_request__is_over_when_receivers_run(
    client: Client, post_kinde: PostKinde, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_transaction: list[bool] = []
    post_kinde("customer.agreement_created", SIGN_UP)
    connection = connections["default"]

    def hear(**_: Any) -> None:
        in_transaction.append(len(connection.savepoint_ids) > 0)

    connect(event_processed, hear)
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", True)
    assert messages_of(replay(client)) == ["1 event is worked once more."]
    # In the receiver's own transaction, which is in no other.
    assert in_transaction == [False]


def test_pruned__page_says_so_instead_of_an_error(
    client: Client, superuser: User, post_kinde: PostKinde
) -> None:
    post_kinde("customer.agreement_created", SIGN_UP)
    prune(older_than=timedelta())
    html = text_of(client, page_url(WebhookEvent.objects.get()))

    assert "NotUnderstood" not in html
    assert re.search(r"was pruned", html)
