"""Run with `tests.replica.settings` by test_read_replica: who reads where."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connections

from billing_webhooks import health
from billing_webhooks.access import billing_of, users_with_plan
from billing_webhooks.models import Customer, CustomerLink, Payment, WebhookEvent
from billing_webhooks.pruning import prune
from billing_webhooks.replaying import replay
from billing_webhooks.signals import event_processed, payment_succeeded
from billing_webhooks.sweeping import sweep
from tests.conftest import Connect, PostBillaBear, PostKinde

pytestmark = pytest.mark.django_db(transaction=True)

PRO = {"plan": {"code": "pro"}}
AGREED = {"customer_id": "customer_ada", "agreement_id": "agreement_1", **PRO}
PAID = {**AGREED, "payment_id": "payment_1", "amount": "9.90", "currency": "EUR"}
BOB = {"id": "9e1c7f2e-2222-4222-8333-0123456789ab", "email": "bob@example.org"}
SUBSCRIPTION = {"id": "0b1e5c1e-0000-4000-8000-000000000011", "plan_name": "Pro"}
COMMANDS = (
    "process",
    "replay --provider kinde",
    "replay --provider kinde --dry-run",
    "replay --rebuild",
    "retry --state pending",
    "give_up --state pending",
    "link",
    "prune --older-than 90",
    "reencrypt",
    "export webhookevent --format json",
    "erase customer_ada --no-input",
)


def ada(customer: Customer, event: WebhookEvent | None) -> User | None:
    """Return whose the customer is; the user, too, is read from the primary."""
    return User.objects.using("default").filter(username="ada").first()


@pytest.fixture
def unread() -> Iterator[list[str]]:
    """What was asked of the replica."""
    asked: list[str] = []

    def see(execute: Any, sql: Any, params: Any, many: bool, context: Any) -> Any:
        asked.append(str(sql))
        return execute(sql, params, many, context)

    with connections["replica"].execute_wrapper(see):
        yield asked


@pytest.fixture
def deliver(post_kinde: PostKinde, post_billabear: PostBillaBear) -> Callable[[], None]:
    def deliver() -> None:
        for _ in range(2):
            post_kinde("customer.agreement_created", AGREED, event_id="event_1")
            post_kinde("customer.payment_succeeded", PAID, event_id="event_2")
        post_kinde("customer.plan_changed", AGREED | {"org_code": "org_1"}, event_id="event_3")
        post_billabear("subscription_created", customer=BOB, subscription=SUBSCRIPTION)

    return deliver


def rows(model: type[Any], alias: str = "default") -> Any:
    return model._base_manager.using(alias)


def catch_up() -> None:
    """Let the replica hear of everything."""
    models: list[Any] = [User, *apps.get_app_config("billing_webhooks").get_models()]
    with connections["replica"].constraint_checks_disabled():
        for model in models:
            rows(model, "replica").bulk_create(list(rows(model)), ignore_conflicts=True)


def test_pipeline__never_asks_the_replica(
    settings: Any, deliver: Callable[[], None], connect: Connect, unread: list[str]
) -> None:
    told: list[str] = []
    connect(event_processed, lambda **_: told.append("event"), "one")
    connect(payment_succeeded, lambda payment, **_: told.append(payment.external_id), "two")
    settings.BILLING_WEBHOOKS_USER_RESOLVER = f"{__name__}.ada"
    user = User.objects.create_user("ada")
    deliver()
    sweep()
    replay(rows(WebhookEvent).all())
    prune(older_than=timedelta())
    health()

    assert unread == []
    assert sorted(told) == ["event", "event", "event", "event", "payment_1"]
    assert rows(WebhookEvent).filter(state="processed").count() == 4
    assert rows(Payment).count() == 1
    assert set(rows(CustomerLink).values_list("user", flat=True)) == {user.pk}


@pytest.mark.parametrize("line", COMMANDS)
def test_command__never_asks_the_replica(
    line: str,
    settings: Any,
    deliver: Callable[[], None],
    unread: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings.BILLING_WEBHOOKS_USER_RESOLVER = f"{__name__}.ada"
    monkeypatch.chdir(tmp_path)
    deliver()
    call_command("billing_webhooks", *line.split(), stdout=StringIO(), stderr=StringIO())
    assert unread == []


def test_access__is_asked_of_the_replica_and_as_late_as_it_is(deliver: Callable[[], None]) -> None:
    deliver()
    user = User.objects.create_user("ada")
    rows(Customer).get(external_id="customer_ada").link(user)
    assert not billing_of(user).has_plan("pro")

    catch_up()
    assert billing_of(user).has_plan("pro")
    assert list(users_with_plan("pro")) == [user]


def test_access__asks_the_primary_nothing(deliver: Callable[[], None]) -> None:
    deliver()
    user = User.objects.create_user("ada")
    rows(Customer).get(external_id="customer_ada").link(user)
    catch_up()

    def refuse(*_: Any) -> Any:
        raise AssertionError("the primary was asked")

    with connections["default"].execute_wrapper(refuse):
        answer = billing_of(user).has_plan("pro")
        assert answer
        assert (answer.customer, answer.plan) != (None, None)
