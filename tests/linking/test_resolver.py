"""The project's resolver is asked in processing whose a customer is."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from billing_webhooks.erasing import erase
from billing_webhooks.exceptions import GiveUp
from billing_webhooks.models import Customer, CustomerLink, ReceiverRun, WebhookEvent
from billing_webhooks.previewing import preview
from billing_webhooks.replaying import Scope, receiver_names, replay
from billing_webhooks.signals import customer_linked, event_processed
from billing_webhooks.sweeping import sweep
from tests.admin_pages.pages import page_url, text_of
from tests.conftest import Connect, PostBillaBear, PostKinde, make_due
from tests.linking.conftest import NAME, ORGANIZATION, WHO, Resolve, runs
from tests.once import on_one_database

on_one_database()

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize(
    "answer",
    [lambda user: user, lambda user: [user], lambda user: {user}, lambda user: iter([user, user])],
    ids=["one", "list", "set", "iterator, twice"],
)
def test_resolver__names_users(
    resolve: Resolve, post_kinde: PostKinde, ada: User, answer: Any
) -> None:
    asked: list[Any] = []

    def whose(customer: Customer, event: WebhookEvent) -> Any:
        asked.append((customer.external_id, event.event_type))
        return answer(ada)

    resolve(whose)
    post_kinde("customer.plan_assigned", WHO)

    assert asked == [("customer_1", "customer.plan_assigned")]
    link = CustomerLink.objects.get()
    assert (link.user, link.customer.external_id, link.resolver) == (ada, "customer_1", NAME)
    assert WebhookEvent.objects.get().state == "processed"


@pytest.mark.parametrize("answer", [None, (), User.objects.none()], ids=["None", "()", "no rows"])
def test_resolver__names_nobody(resolve: Resolve, post_kinde: PostKinde, answer: Any) -> None:
    resolve(lambda customer, event: answer)
    post_kinde("customer.plan_assigned", WHO)

    assert not CustomerLink.objects.exists()
    assert (WebhookEvent.objects.get().state, runs()) == ("processed", {NAME: "succeeded"})


def test_resolver__may_be_async(resolve: Resolve, post_billabear: PostBillaBear, ada: User) -> None:
    async def whose(customer: Customer, event: WebhookEvent) -> Any:
        return await User.objects.aget(email=customer.email)

    resolve(whose, name="whose_async")
    post_billabear(
        "customer_created",
        customer={"id": "8d1c7f2e-1111-4222-8333-0123456789ab", "email": ada.email},
    )
    assert CustomerLink.objects.get().user == ada


def test_resolver__is_not_asked_before_the_event_is_stored(
    resolve: Resolve, post_kinde: PostKinde, settings: Any, ada: User
) -> None:
    settings.BILLING_WEBHOOKS_DISPATCH = "deferred"
    resolve(lambda customer, event: ada)
    assert post_kinde("customer.plan_assigned", WHO).status_code == 200
    assert not CustomerLink.objects.exists()
    sweep()
    assert CustomerLink.objects.exists()


def test_resolver__is_not_asked_about_a_person_with_a_user(
    resolve: Resolve, post_kinde: PostKinde, ada: User
) -> None:
    asked: list[Any] = []

    def whose(customer: Customer, event: WebhookEvent) -> User:
        asked.append(event)
        return ada

    resolve(whose)
    for _ in range(3):
        post_kinde("customer.plan_assigned", WHO)
    assert len(asked) == 1
    assert ReceiverRun.objects.count() == 1


@pytest.mark.parametrize("member", [{}, {"user_id": "kp_1"}], ids=["unnamed", "a member named"])
def test_resolver__is_asked_for_each_event_of_an_organisation(
    resolve: Resolve,
    connect: Connect,
    post_kinde: PostKinde,
    ada: User,
    bob: User,
    member: dict[str, str],
) -> None:
    told: list[User] = []
    members = [[ada], [ada, bob], []]
    resolve(lambda customer, event: members.pop(0))
    connect(customer_linked, lambda user, **_: told.append(user))
    for _ in range(3):
        post_kinde("customer.plan_assigned", ORGANIZATION | member)

    assert set(Customer.objects.get().users) == {ada, bob}
    assert told == [ada, bob]


def test_resolver__is_not_asked_about_events_that_are_nobodys(
    resolve: Resolve, post_billabear: PostBillaBear
) -> None:
    resolve(lambda customer, event: pytest.fail("it was asked"))
    post_billabear("integration_crm_failure", exception={"message": "no contact", "code": 1})
    assert (WebhookEvent.objects.get().state, runs()) == ("processed", {})


def test_linked__is_told_once_to_each_receiver(
    resolve: Resolve, connect: Connect, post_kinde: PostKinde, ada: User, bob: User
) -> None:
    calls: list[Any] = []

    def hear(event: WebhookEvent, customer: Customer, user: User, **_: Any) -> None:
        calls.append((event.external_id, customer.external_id, user.username))
        if len(calls) == 1:
            raise ConnectionError

    connect(customer_linked, hear)
    resolve(lambda customer, event: [ada, bob])
    post_kinde("customer.plan_assigned", WHO, event_id="event_1")
    assert WebhookEvent.objects.get().state == "pending"
    make_due()
    sweep()

    assert [name for *_, name in calls] == ["ada", "bob", "ada"]
    assert set(calls) == {("event_1", "customer_1", name) for name in ("ada", "bob")}
    assert WebhookEvent.objects.get().state == "processed"


def test_linked__is_told_before_the_event_is_done(
    resolve: Resolve, connect: Connect, post_kinde: PostKinde, ada: User
) -> None:
    told: list[str] = []
    for signal in (event_processed, customer_linked):
        connect(signal, lambda signal, **_: told.append(signal.name))
    resolve(lambda customer, event: ada)
    post_kinde("customer.plan_assigned", WHO)
    assert told == ["customer_linked", "event_processed"]


def test_linked__user_who_is_gone_is_none(
    resolve: Resolve, connect: Connect, post_kinde: PostKinde, ada: User
) -> None:
    told: list[Any] = []
    connect(customer_linked, lambda user, **_: user.delete(), "delete")
    connect(customer_linked, lambda user, **_: told.append(user), "hear")
    resolve(lambda customer, event: ada)
    post_kinde("customer.plan_assigned", WHO)
    assert told == [None]


def test_meanwhile__merged_customer_has_the_user_all_the_same(
    resolve: Resolve, post_kinde: PostKinde, ada: User
) -> None:
    def whose(customer: Customer, event: WebhookEvent) -> User | None:
        if customer.external_id or event.external_id != "event_1":
            return None
        post_kinde("customer.plan_assigned", {"customer_id": "customer_1"})
        post_kinde("customer.plan_assigned", {**ORGANIZATION, "customer_id": "customer_1"})
        return ada

    resolve(whose)
    post_kinde("customer.plan_assigned", ORGANIZATION, event_id="event_1")

    customer = Customer.objects.get()
    assert (customer.external_id, list(customer.users)) == ("customer_1", [ada])
    assert set(WebhookEvent.objects.values_list("state", flat=True)) == {"processed"}


def test_meanwhile__deleted_customer_has_no_user(
    resolve: Resolve, post_kinde: PostKinde, ada: User
) -> None:
    def whose(customer: Customer, event: WebhookEvent) -> User:
        customer.delete()
        return ada

    resolve(whose)
    post_kinde("customer.plan_assigned", WHO)
    assert not CustomerLink.objects.exists()
    assert WebhookEvent.objects.get().state == "processed"


def test_meanwhile__erased_customer_leaves_no_crash(
    resolve: Resolve, post_kinde: PostKinde, ada: User
) -> None:
    def fail(customer: Customer, event: WebhookEvent) -> User:
        raise ConnectionError

    resolve(fail)
    post_kinde("customer.plan_assigned", WHO)
    erase(Customer.objects.get())
    resolve(lambda customer, event: ada)
    make_due()
    sweep()
    assert (CustomerLink.objects.count(), WebhookEvent.objects.get().state) == (0, "dead")


def test_replay__asks_a_resolver_that_is_new(
    resolve: Resolve, connect: Connect, post_kinde: PostKinde, ada: User
) -> None:
    told: list[User] = []
    connect(customer_linked, lambda user, **_: told.append(user))
    post_kinde("customer.plan_assigned", WHO)
    resolve(lambda customer, event: ada)
    for _ in range(2):
        replay(WebhookEvent.objects.all())
    assert (CustomerLink.objects.get().user, told) == (ada, [ada])


def test_replay__of_the_resolver_alone_tells_whom_it_linked(
    resolve: Resolve, connect: Connect, post_kinde: PostKinde, ada: User
) -> None:
    told: list[str] = []
    post_kinde("customer.plan_assigned", WHO)
    for signal in (customer_linked, event_processed):
        connect(signal, lambda signal, **_: told.append(signal.name))
    resolve(lambda customer, event: ada)

    assert NAME in receiver_names()
    [found] = preview(WebhookEvent.objects.all(), Scope(NAME))
    assert (found.refused, found.receivers) == ("", [NAME])
    assert not CustomerLink.objects.exists()
    replay(WebhookEvent.objects.all(), Scope(NAME))
    assert (CustomerLink.objects.get().user, told) == (ada, ["customer_linked"])
    assert WebhookEvent.objects.get().state == "processed"


def test_replay__of_another_receiver_leaves_a_debt_of_the_resolver(
    resolve: Resolve, connect: Connect, post_kinde: PostKinde
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise GiveUp

    resolve(fail)
    connect(event_processed, fail, "hear")
    post_kinde("customer.plan_assigned", WHO)
    connect(event_processed, lambda **_: None, "new")
    event_processed.disconnect(dispatch_uid="hear")
    replay(WebhookEvent.objects.all(), Scope("new"))

    event = WebhookEvent.objects.get()
    assert (event.state, runs()["new"]) == ("dead", "succeeded")
    assert NAME in event.last_error


def test_admin__shows_who_was_linked(
    resolve: Resolve, admin_client: Client, post_kinde: PostKinde, ada: User
) -> None:
    resolve(lambda customer, event: ada)
    post_kinde("customer.plan_assigned", WHO)

    assert "customer_linked" in text_of(admin_client, page_url(WebhookEvent.objects.get()))
    assert NAME in text_of(admin_client, page_url(ReceiverRun.objects.get()))
    assert NAME in text_of(admin_client, page_url(Customer.objects.get()))
