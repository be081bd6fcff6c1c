"""What can be done in the admin: who may, that it is confirmed, and what it calls."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.test import Client

from billing_webhooks.models import Customer, Job, ReceiverRun, WebhookEvent
from billing_webhooks.signals import event_processed
from tests.admin_pages.pages import confirm, messages_of, page_url, text_of
from tests.conftest import Connect, PostBillaBear, PostKinde
from tests.once import on_one_database

on_one_database()

pytestmark = pytest.mark.django_db(transaction=True)

URL = "/admin/billing_webhooks/webhookevent/"
SIGN_UP = {"customer_id": "customer_1", "agreement_id": "agreement_1"}
PERMISSIONS = {
    "preview": "preview_webhookevent",
    "replay": "replay_webhookevent",
    "replay_receiver": "replay_receiver",
    "retry": "retry_webhookevent",
    "give_up": "give_up_webhookevent",
    "release": "release_webhookevent",
}
every_action = pytest.mark.parametrize("name", PERMISSIONS)


@pytest.fixture
def mended() -> list[bool]:
    """Holds something once the receiver's fault is removed."""
    return []


@pytest.fixture
def event(post_kinde: PostKinde, connect: Connect, mended: list[bool]) -> WebhookEvent:
    """A pending event with a receiver that fails until it is mended."""

    def hear(**_: Any) -> None:
        if not mended:
            raise ConnectionError

    connect(event_processed, hear, "shop.hear")
    post_kinde("customer.agreement_created", SIGN_UP)
    return WebhookEvent.objects.get()


def address(name: str, event: WebhookEvent, query: str = "") -> str:
    return f"{URL}do/{name}/?key={event.pk}{query}"


def do(client: Client, name: str, event: WebhookEvent, **more: Any) -> Any:
    return confirm(client, client.get(address(name, event)), **more)


def allow(user: User, *names: str) -> None:
    codes = [PERMISSIONS[name] for name in names]
    user.user_permissions.add(*Permission.objects.filter(codename__in=codes))


@every_action
def test_action__only_with_its_own_permission(
    client: Client, viewer: User, event: WebhookEvent, name: str
) -> None:
    allow(viewer, *(PERMISSIONS.keys() - {name}))
    before = WebhookEvent.objects.values().get()

    assert client.get(address(name, event)).status_code == 403
    assert client.post(address(name, event)).status_code == 403
    assert f'value="{name}"' not in text_of(client, URL)
    assert f"do/{name}/" not in text_of(client, page_url(event))
    assert WebhookEvent.objects.values().get() == before
    allow(viewer, name)
    assert client.get(address(name, event)).status_code == 200
    assert f'value="{name}"' in text_of(client, URL)


@every_action
def test_confirmation__changes_nothing_and_says_what_for(
    client: Client, superuser: User, event: WebhookEvent, name: str
) -> None:
    before = WebhookEvent.objects.values().get()
    html = text_of(client, address(name, event))

    assert "For 1 webhook event" in html
    assert "kinde customer.agreement_created" in html
    assert WebhookEvent.objects.values().get() == before
    assert not Job.objects.exists()


def test_buttons__those_that_apply(
    client: Client, superuser: User, event: WebhookEvent, mended: list[bool]
) -> None:
    def offered() -> set[str]:
        html = text_of(client, page_url(event))
        return {name for name in PERMISSIONS if f"do/{name}/?key={event.pk}" in html}

    assert offered() == {"preview", "retry", "give_up"}
    do(client, "give_up", event)
    assert offered() == {"preview", "replay", "replay_receiver"}
    WebhookEvent.objects.update(state="quarantined")
    assert offered() == {"preview", "release"}


def test_retry(client: Client, superuser: User, event: WebhookEvent, mended: list[bool]) -> None:
    mended.append(True)
    response = do(client, "retry", event)

    assert messages_of(response) == ["1 event is tried at once."]
    assert response.url == page_url(event)
    assert WebhookEvent.objects.get().state == "processed"


def test_give_up_and_replay_one_receiver(
    client: Client, superuser: User, event: WebhookEvent, mended: list[bool]
) -> None:
    assert messages_of(do(client, "give_up", event)) == ["1 event was given up."]
    mended.append(True)
    response = do(client, "replay_receiver", event, receiver="shop.hear")

    assert messages_of(response) == ["1 event is worked once more."]
    assert ReceiverRun.objects.get().state == "succeeded"
    again = do(client, "replay_receiver", event, receiver="shop.hear")
    assert messages_of(again) == ["1 was left out: The receiver has succeeded for it already."]


def test_replay_one_receiver__chosen_on_the_page(
    client: Client, superuser: User, event: WebhookEvent
) -> None:
    assert text_of(client, page_url(event)).count(">Retry now</a>") == 2
    do(client, "give_up", event)
    html = text_of(client, page_url(event))
    assert f"/do/replay_receiver/?key={event.pk}&amp;receiver=shop.hear" in html
    asked = client.get(address("replay_receiver", event, "&receiver=shop.hear"))

    assert '<option value="shop.hear" selected>' in asked.content.decode()


def test_replay_one_receiver__unknown_one(
    client: Client, superuser: User, event: WebhookEvent
) -> None:
    response = do(client, "replay_receiver", event, receiver="nobody")

    assert "Select a valid choice" in response.content.decode()
    assert not Job.objects.exists()


@pytest.mark.parametrize("state", ["pending", "dead"])
def test_run_again__from_the_list_of_runs(
    client: Client, superuser: User, event: WebhookEvent, mended: list[bool], state: str
) -> None:
    if state == "dead":
        do(client, "give_up", event)
    mended.append(True)
    runs = "/admin/billing_webhooks/receiverrun/"
    (run,) = ReceiverRun.objects.all()
    asked = client.post(runs, {"action": "run_again", "_selected_action": [run.pk]})

    assert messages_of(confirm(client, asked)) == ["1 receiver is run again."]
    assert WebhookEvent.objects.get().state == "processed"
    assert f"{runs}do/run_again/" not in text_of(client, page_url(run))
    again = confirm(client, client.get(f"{runs}do/run_again/?key={run.pk}"))
    assert messages_of(again) == ["1 was left out: The receiver has succeeded for it already."]


def test_release(client: Client, superuser: User, post_billabear: PostBillaBear) -> None:
    post_billabear("customer_created", customer=None)
    response = do(client, "release", WebhookEvent.objects.get())

    assert messages_of(response) == ["1 was left out: The body has no customer object."]


def test_preview__shows_what_would_come_of_it(
    client: Client, superuser: User, event: WebhookEvent
) -> None:
    before = WebhookEvent.objects.values().get()
    response = do(client, "preview", event)
    html = text_of(client, response.url)

    assert response.url == page_url(Job.objects.get())
    assert "would run: shop.hear" in html
    assert "1 event would be replayed." in html
    assert WebhookEvent.objects.values().get() == before


def test_button_pressed_twice__asks_once(
    client: Client, superuser: User, event: WebhookEvent
) -> None:
    asked = client.get(address("retry", event))
    for _ in range(2):
        confirm(client, asked)

    assert Job.objects.get().asked_by == "root"
    assert WebhookEvent.objects.get().attempts == 2


def test_asked__is_recorded(
    client: Client, superuser: User, event: WebhookEvent, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "billing_webhooks.admin")
    do(client, "retry", event)
    job = Job.objects.get()

    assert (job.action, job.state, job.asked_by_key) == ("retry", "done", str(superuser.pk))
    assert LogEntry.objects.get().get_change_message() == "Retry now"
    assert f"User {superuser.pk} asked for retry of 1 rows: job {job.pk}." in caplog.messages


@pytest.mark.parametrize(
    "query", ["", "?key=", "?key=no-uuid", "?key=01a2026c-a3a6-7b26-a01b-22c8f26134b6"]
)
def test_no_such_row(client: Client, superuser: User, query: str) -> None:
    assert client.get(f"{URL}do/retry/{query}").status_code == 404


@pytest.mark.parametrize("keys", ["no-uuid", "no-uuid,,\0", ",".join(["x"] * 50)])
def test_posted_keys_that_are_none(
    client: Client, superuser: User, event: WebhookEvent, keys: str
) -> None:
    assert do(client, "retry", event, keys=keys).status_code in {200, 404}
    assert not Job.objects.exists()


def test_no_such_action(client: Client, superuser: User, event: WebhookEvent) -> None:
    assert client.get(address("explode", event)).status_code == 404


def test_other_site__cannot_post_it(viewer: User, event: WebhookEvent) -> None:
    allow(viewer, "give_up")
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(viewer)

    assert do(strict, "give_up", event).status_code == 403
    assert WebhookEvent.objects.get().state == "pending"


class TestErase:
    @pytest.fixture
    def page(self, event: WebhookEvent) -> str:
        customer = Customer.objects.get()
        return f"/admin/billing_webhooks/customer/do/erase/?key={customer.pk}"

    def test_erased__once_the_word_is_typed(
        self, client: Client, superuser: User, page: str
    ) -> None:
        response = confirm(client, client.get(page), typed=" Erase ")
        html = text_of(client, response.url)

        assert not Customer.objects.exists()
        assert WebhookEvent.objects.get().pruned_at is not None
        assert "1 customer was erased." in html
        assert "Subscriptions: 1" in html

    @pytest.mark.parametrize("typed", ["", "delete"])
    def test_not_without_the_word(
        self, client: Client, superuser: User, page: str, typed: str
    ) -> None:
        response = confirm(client, client.get(page), typed=typed)

        assert response.status_code == 200
        assert Customer.objects.count() == 1

    def test_only_with_its_permission(self, client: Client, viewer: User, page: str) -> None:
        assert client.get(page).status_code == 403
        viewer.user_permissions.add(Permission.objects.get(codename="erase_customer"))
        assert client.get(page).status_code == 200
